package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"cakupan/cmd/internal/problem"
)

// The encodings of bodies.
const (
	gzipName = "gzip"
	zstdName = "zstd"
)

// acceptEncoding says which encodings a body may have. It is answered with 415, so that a client
// may choose another one by itself (RFC 9110, section 12.5.3).
const acceptEncoding = zstdName + ", " + gzipName

// The decoders of zstd by the windows they allow: most bodies need little memory.
const (
	zstdSmallWindow = 256 << 10
	zstdSmallRoom   = 1 << 20
	// zstdWindow is what RFC 9659 allows for HTTP.
	zstdWindow = 8 << 20
	zstdRoom   = zstdWindow + zstdSmallRoom
)

// A stream may unfold to this many bytes for nothing; beyond, to unfoldMax times what was sent.
// Events compress to a tenth or a fiftieth; only a bomb to less than a two-hundredth.
const (
	unfoldFree = 16 << 20
	unfoldMax  = 200
)

// encodingOf returns the encoding of the body, "" for none, and whether it is one that can be
// decoded. Names are compared without regard to case. An empty list, and identity, are no encoding.
func encodingOf(h http.Header) (name string, known bool) {
	for _, value := range h["Content-Encoding"] {
		for coding := range strings.SplitSeq(value, ",") {
			coding = strings.ToLower(strings.Trim(coding, " \t"))
			switch {
			case coding == "" || coding == "identity":
			case name != "":
				return "", false // several, one in the other: nothing is gained by that
			default:
				name = coding
			}
		}
	}
	if name == "x-gzip" { // RFC 9110, section 8.4.1.3
		name = gzipName
	}
	return name, name == "" || name == gzipName || name == zstdName
}

// decoder is a reader of a body as it was before it was encoded. It decodes as it is read, never
// ahead of what has arrived, and takes its memory from the request's claim. It is used by one
// goroutine at a time, and belongs to one request. After an error all further reads of an encoded
// body return the same.
type decoder struct {
	request  *http.Request
	encoding string
	claim    *claim
	in       source
	out      int64
	unfold   bool // may not unfold without bound
	err      error

	// Of the two below, the one of the encoding, once reading has begun.
	gzip *gzip.Reader
	zstd *zstd.Decoder
	pool *sync.Pool // where that one goes back to
}

// The decoders that wait for a body. They are shared by all requests; each decoder of them is
// nobody's while it lies there. What they hold is not claimed by anybody: it is bounded by how many
// were in use at once, and is given up when memory is short.
var (
	gzipDecoders      sync.Pool
	zstdDecoders      sync.Pool
	zstdSmallDecoders sync.Pool
)

// decode returns a reader of the body that from gives, as it was before it was encoded. Close it,
// with nothing reading. The encoding must be one that encodingOf knows. Nothing is read and nothing
// claimed before the first Read. A whole body is bounded by the reader it comes from and by its own
// reader; a stream sets unfold.
func decode(r *http.Request, from io.Reader, c *claim) *decoder {
	encoding, _ := encodingOf(r.Header)
	return &decoder{request: r, encoding: encoding, claim: c, in: source{from: from}}
}

// source is a body as sent. It remembers why it ended, and the last that was read of it. The last
// bytes are kept for widen, which must find a header again that a decoder has read.
type source struct {
	from io.Reader
	read int64
	err  error // nil at its proper end
	last [zstd.HeaderMaxSize]byte
}

// It must not lose track of an error by way of the decoders, which put errors of their own in its
// place.
func (s *source) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	s.read += int64(n)
	if keep := len(s.last); n >= keep {
		copy(s.last[:], b[n-keep:n])
	} else {
		copy(s.last[:], s.last[n:])
		copy(s.last[keep-n:], b[:n])
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// Read reads the next piece. An error is a problem where the body is at fault, and otherwise that
// of the connection. It may come with bytes that were decoded before it.
func (d *decoder) Read(b []byte) (int, error) {
	if d.encoding == "" {
		return d.in.Read(b)
	}
	if d.err == nil && d.pool == nil {
		d.err = d.begin()
	}
	if d.err != nil {
		return 0, d.reason(d.err)
	}
	var n int
	if d.gzip != nil {
		n, d.err = d.gzip.Read(b)
	} else if n, d.err = d.zstd.Read(b); isWindow(d.err) && d.pool == &zstdSmallDecoders {
		d.err = d.widen()
	}
	d.out += int64(n)
	// A whole body is bounded by its length; a stream has none, and a bomb in it would keep a core
	// busy.
	if d.unfold && d.out > unfoldFree && d.out > unfoldMax*d.in.read {
		d.err = problem.New(problem.BodyTooLarge, "the body unfolds to more than 200 times what"+
			" was sent: send events, not what compresses like that")
	}
	if d.err != nil {
		return n, d.reason(d.err)
	}
	return n, nil
}

// begin takes a decoder and reads the beginning of the body. It waits for the first bytes of the
// body, and so runs at the first Read and not before: what waits for a client must be under the
// deadline of that.
func (d *decoder) begin() (err error) {
	if d.encoding == zstdName {
		return d.beginZstd()
	}
	if err = d.claim.grow(d.request.Context(), gzipRoom); err != nil {
		return err
	}
	d.pool = &gzipDecoders
	if kept, _ := d.pool.Get().(*gzip.Reader); kept != nil {
		d.gzip = kept
		return d.gzip.Reset(&d.in)
	}
	d.gzip, err = gzip.NewReader(&d.in)
	return err
}

// beginZstd looks at the first frame's header for how much memory the body needs. A first frame
// with a small window, or of one segment with small content, gets the small decoder. It says
// nothing of the frames that follow; see widen. A frame to be skipped says nothing of any.
func (d *decoder) beginZstd() error {
	var header zstd.Header
	head := make([]byte, 0, zstd.HeaderMaxSize)
	for {
		n, err := d.in.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		decoded := header.Decode(head)
		if err != nil || !errors.Is(decoded, io.ErrUnexpectedEOF) || len(head) == cap(head) {
			break // an error comes again from the decoder
		}
	}
	small := header.WindowSize <= zstdSmallWindow
	if header.SingleSegment {
		small = header.FrameContentSize <= zstdSmallWindow
	}
	return d.openZstd(head, small && !header.Skippable)
}

// widen goes on with a decoder of the large window, at the frame whose header the one of the small
// window has just read and refused. Decoders read no further than that. The decoder of the small
// window goes back to its pool first. Where no header is found the body is damaged, or its decoder
// read on further than it does: better an error than a body with a hole.
func (d *decoder) widen() error {
	at := bytes.LastIndex(d.in.last[:], zstdMagic)
	if at < 0 {
		return zstd.ErrMagicMismatch
	}
	head := bytes.Clone(d.in.last[at:])
	d.putBack()
	return d.openZstd(head, false)
}

// zstdMagic begins each frame.
var zstdMagic = []byte("\x28\xb5\x2f\xfd")

// openZstd takes a decoder for what was read already and the rest of the body. head are the bytes
// that were read and not decoded. It claims what the decoder may take at most, before it is made;
// with an error nothing is taken from a pool.
func (d *decoder) openZstd(head []byte, small bool) (err error) {
	window, memory := uint64(zstdWindow), int64(zstdRoom)
	d.pool = &zstdDecoders
	if small {
		window, memory, d.pool = zstdSmallWindow, zstdSmallRoom, &zstdSmallDecoders
	}
	if err := d.claim.grow(d.request.Context(), memory); err != nil {
		return err
	}
	in := io.MultiReader(bytes.NewReader(head), &d.in)
	if kept, _ := d.pool.Get().(*zstd.Decoder); kept != nil {
		d.zstd = kept
		return d.zstd.Reset(in)
	}
	// With a concurrency of 1 it decodes when it is read, in no goroutine of its own.
	d.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
	return err
}

// isWindow tells whether a frame wants a larger window, or holds more, than the decoder was made
// for.
func isWindow(err error) bool {
	return errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded)
}

// reason says why reading ended: an error of the connection, of the encoding, or [io.EOF]. An error
// of the connection comes before one of the encoding: a body that broke off looks damaged too, and
// the client should not look for a fault in his compressor.
func (d *decoder) reason(err error) error {
	var known *problem.Error
	switch {
	case d.in.err != nil:
		return d.in.err
	case errors.Is(err, io.EOF) || errors.As(err, &known):
		return err
	case isWindow(err) || errors.Is(err, zstd.ErrUnknownDictionary):
		return problem.Wrap(problem.EncodingUnsupported, "the body is compressed with a window of"+
			" more than 8 MiB or with a dictionary: compress it with zstd's defaults", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return problem.Wrap(problem.EncodingDamaged, "the "+d.encoding+" of the body ends before"+
			" it is complete: close the compressor before the end of the body", err)
	}
	return problem.Wrap(problem.EncodingDamaged, "the body is not valid "+d.encoding+
		": check Content-Encoding, and send again", err)
}

// close ends reading. What was taken of the claim stays so until that is released. It may be called
// when nothing was ever read.
func (d *decoder) close() {
	d.putBack()
	d.err = io.ErrClosedPipe
}

// emptyGzip is the header of a gzip without content. Only with a header a decoder of gzip lets go
// of the body before it, and only where its own buffer reads that, as it does what has no ReadByte.
const emptyGzip = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// putBack gives the decoder of the encoding back. One that cannot be reset is left to the
// collector. Nothing of the body stays reachable by what lies in the pool.
func (d *decoder) putBack() {
	switch {
	case d.gzip != nil && d.gzip.Reset(struct{ io.Reader }{strings.NewReader(emptyGzip)}) == nil:
		d.pool.Put(d.gzip)
	case d.zstd != nil && d.zstd.Reset(nil) == nil:
		d.pool.Put(d.zstd)
	}
	d.gzip, d.zstd = nil, nil
}
