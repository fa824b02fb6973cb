# The ledger and nothing else: no shell, no package, no base image to fetch. The binary comes from
# the host, so that image and release are built by the same command:
#
#   CGO_ENABLED=0 go build -trimpath -o build/image/cakupan ./cmd/cakupan
#   mkdir -p build/image/data
FROM scratch
COPY build/image/cakupan /cakupan
# A volume made on /data starts with this folder's owner.
COPY --chown=65532:65532 build/image/data /data
USER 65532:65532
EXPOSE 8080
VOLUME /data
ENTRYPOINT ["/cakupan"]
CMD ["serve", "--data", "/data", "--listen", ":8080"]
