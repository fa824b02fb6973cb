package dashboard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"cakupan/cmd/internal/gzipped"
)

// part is a file of the page, as it is sent. What a phone has once, it is not sent again: its tag
// is that of its content.
type part struct {
	contentType   string
	plain, packed []byte // packed: nil where that is not worth it
	tag           string
}

func newPart(name, contentType string, content []byte) *part {
	if contentType == "" {
		contentType = mime.TypeByExtension(path.Ext(name))
	}
	sum := sha256.Sum256(content)
	return &part{
		contentType: contentType, plain: content, packed: gzipped.PackWell(content),
		tag: hex.EncodeToString(sum[:8]),
	}
}

// send answers with the part, packed for whoever takes it so, or that he has it already.
func (p *part) send(w http.ResponseWriter, r *http.Request) {
	h, content, tag := w.Header(), p.plain, p.tag
	h.Set("Content-Type", p.contentType)
	if p.packed != nil {
		h.Add("Vary", "Accept-Encoding")
		if gzipped.Taken(r.Header) {
			content, tag = p.packed, tag+"-"+gzipped.Encoding
			h.Set("Content-Encoding", gzipped.Encoding)
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
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
		parts[at] = newPart(name, "", content)
		return nil
	})
	return parts, err
}
