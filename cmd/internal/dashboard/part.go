package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// part is a file of the page, as it is sent. What a phone has once, it is not sent again: its tag
// is that of its content.
type part struct {
	contentType   string
	plain, packed []byte // packed: gzip; nil where that is no less
	tag           string
}

func newPart(name, contentType string, content []byte) (*part, error) {
	if contentType == "" {
		contentType = mime.TypeByExtension(path.Ext(name))
	}
	sum := sha256.Sum256(content)
	p := &part{contentType: contentType, plain: content, tag: hex.EncodeToString(sum[:8])}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if packed.Len() < len(content) {
		p.packed = packed.Bytes()
	}
	return p, nil
}

// send answers with the part, packed for whoever takes it so, or that he has it already.
func (p *part) send(w http.ResponseWriter, r *http.Request) {
	h, content, tag := w.Header(), p.plain, p.tag
	h.Set("Content-Type", p.contentType)
	if p.packed != nil {
		h.Add("Vary", "Accept-Encoding")
		if takesGzip(r.Header) {
			content, tag = p.packed, tag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// takesGzip tells whether a client says so by name. One that does not gets the plain bytes, which
// is never wrong.
func takesGzip(h http.Header) bool {
	for _, value := range h["Accept-Encoding"] {
		for coding := range strings.SplitSeq(value, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			weight = strings.ReplaceAll(weight, " ", "")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
			}
		}
	}
	return false
}

// embeddedParts returns the files that are embedded, by the path where they are.
func embeddedParts() (map[string]*part, error) {
	parts := map[string]*part{}
	err := fs.WalkDir(files, "page", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		at := strings.TrimSuffix(strings.TrimPrefix(name, "page"), "index.html")
		parts[at], err = newPart(name, "", content)
		return err
	})
	return parts, err
}
