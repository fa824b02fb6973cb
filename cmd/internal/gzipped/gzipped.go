// Package gzipped makes answers smaller for whoever takes them so: a phone has little of a network.
package gzipped

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// Encoding is the name of what [Pack] makes, as HTTP has it.
const Encoding = "gzip"

// packMin is what is worth it: less is one packet of the network, packed or not.
const packMin = 1400

// writers are kept, since each has some hundred KiB of tables.
var writers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one that there is
	return w
}}

// Taken tells whether a client says by name that it takes what [Pack] makes. One that does not gets
// the plain bytes, which is never wrong.
func Taken(h http.Header) bool {
	for _, value := range h["Accept-Encoding"] {
		for coding := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			if strings.EqualFold(strings.TrimSpace(name), Encoding) {
				weight = strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
				return weight == "" || strings.Trim(weight, "0.") != ""
			}
		}
	}
	return false
}

// Pack returns the bytes packed, nil where that is not worth it. The same bytes make the same.
func Pack(content []byte) []byte {
	w, ok := writers.Get().(*gzip.Writer)
	if !ok {
		return nil // writers has no other
	}
	defer writers.Put(w)
	return pack(w, content)
}

// PackWell does so with more work: it is for what is packed once and sent often.
func PackWell(content []byte) []byte { return pack(gzip.NewWriter(nil), content) }

func pack(w *gzip.Writer, content []byte) []byte {
	if len(content) < packMin {
		return nil
	}
	var packed bytes.Buffer
	w.Reset(&packed)
	// A buffer takes all.
	_, _ = w.Write(content)
	_ = w.Close()
	if packed.Len() >= len(content) {
		return nil
	}
	return packed.Bytes()
}
