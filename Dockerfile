# The program and nothing else: no shell, no package. It is a ledger, a node of NATS, and what sets
# them up. Built from source, with the official image of Go:
#
#   docker build -t cakupan .
#
# or of a binary of the host, so that no image is fetched and image and release are one build:
#
#   CGO_ENABLED=0 go build -trimpath -o build/image/cakupan ./cmd/cakupan
#   mkdir -p build/image/data
#   docker build -t cakupan --target prebuilt .
#
# prebuilt comes first, so that a builder that makes every stage up to its target fetches nothing.

FROM scratch AS empty
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/cakupan"]
CMD ["serve", "--data", "/data", "--listen", ":8080"]

FROM empty AS prebuilt
COPY build/image/cakupan /cakupan
# A volume made on /data starts with this folder's owner.
COPY --chown=65532:65532 build/image/data /data
VOLUME /data

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY domain domain
COPY eventstore eventstore
COPY projections projections
RUN CGO_ENABLED=0 go build -trimpath -o /image/cakupan ./cmd/cakupan && mkdir /image/data

FROM empty AS source
COPY --from=build /image/cakupan /cakupan
COPY --from=build --chown=65532:65532 /image/data /data
VOLUME /data
