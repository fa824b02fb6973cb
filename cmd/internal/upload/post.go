package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/book"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

// form is what a form has sent: fields and, of the first one, a file.
type form struct {
	fields  map[string]string
	name    string
	content []byte
}

// fieldBytesMax bounds each field but the file.
const fieldBytesMax = 1 << 10

// read reads a form. Files stay in memory: what else reads forms may write them to the disk.
func read(w http.ResponseWriter, r *http.Request) (f form, err error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	f.fields = map[string]string{}
	parts, err := r.MultipartReader()
	if err != nil {
		return f, problem.New(problem.MediaType, "send the form of this page")
	}
	for range 16 { // more fields than there are
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		} else if err != nil {
			return f, problem.Wrap(problem.BodyIncomplete, "the form ended too early", err)
		}
		most := int64(fieldBytesMax)
		if part.FileName() != "" {
			most = listBytesMax
		}
		content, err := io.ReadAll(io.LimitReader(part, most+1))
		switch {
		case err != nil:
			return f, problem.Wrap(problem.BodyIncomplete, "the form ended too early", err)
		case int64(len(content)) > most:
			return f, problem.New(problem.BodyTooLarge, fmt.Sprintf("at most %d MB at once: save"+
				" the list in parts, or use the command cakupan import", listBytesMax>>20))
		case part.FileName() != "":
			f.name, f.content = filepath.Base(part.FileName()), content
		default:
			f.fields[part.FormName()] = string(content)
		}
	}
	return f, problem.New(problem.Malformed, "the form has too many fields")
}

// post checks a list, or takes in one that was checked.
func (h *Handler) post(w http.ResponseWriter, r *http.Request) {
	v := &view{Words: wordsOf(r.URL.Query().Get("lang"))}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		v.Error = v.Words.Busy
		w.Header().Set("Retry-After", "10")
		h.answer(w, http.StatusTooManyRequests, v)
		return
	}
	f, err := read(w, r)
	if err != nil {
		w.Header().Set("Connection", "close") // what is left of the form is not read
		h.fail(w, v, err)
		return
	}
	if token := f.fields["token"]; token != "" {
		h.confirm(w, r, v, token, f.fields)
		return
	}
	s, err := chosen(&f)
	if err != nil {
		h.fail(w, v, err)
		return
	}
	s.login = r.Header.Get("Authorization")
	v.checking = true
	err = h.run(r.Context(), v, s, nil)
	if err != nil {
		h.fail(w, v, err)
		return
	}
	v.Checked, v.Token = true, h.kept.put(s, h.now())
	h.answer(w, http.StatusOK, v)
}

// chosen reads which list is meant.
func chosen(f *form) (*sent, error) {
	if f.name == "" || len(f.content) == 0 {
		return nil, problem.New(problem.UsageWrong,
			"pilih berkas daftarnya dahulu / choose the file of the list first")
	}
	if !importer.IsList(f.name) {
		return nil, problem.New(problem.UsageWrong, f.name+
			": .csv, .tsv, .txt, .xlsx, .xlsm, .ods")
	}
	s := &sent{name: f.name, content: f.content, whole: f.fields["whole"] != ""}
	s.opts = lists.Options{
		ID: strings.TrimSpace(f.fields["list"]), Source: strings.TrimSpace(f.fields["source"]),
		Sheet: strings.TrimSpace(f.fields["sheet"]), KeepRows: true,
	}
	return s, nil
}

// confirm takes in a list that was checked.
func (h *Handler) confirm(w http.ResponseWriter, r *http.Request, v *view, token string,
	fields map[string]string,
) {
	s := h.kept.get(token, r, h.now())
	if s == nil {
		h.fail(w, v, errors.New(v.Words.Expired))
		return
	}
	var how importer.Whole
	if s.whole {
		gone, err := goneOf(fields["gone"], fields["end"])
		if err != nil {
			h.fail(w, v, err)
			return
		}
		how.Gone = gone
	}
	// What has begun is done to its end, also if the page is closed: else nobody knows how far.
	err := h.run(context.WithoutCancel(r.Context()), v, s, &how)
	if err != nil {
		h.fail(w, v, err)
		return
	}
	h.kept.remove(token)
	v.Done = true
	if s.back != nil {
		s.content = nil
		v.Token = h.kept.put(s, h.now())
	}
	h.answer(w, http.StatusOK, v)
}

// goneOf reads what becomes of rows that are gone; nil when nothing was chosen.
func goneOf(word, day string) (*whole.Gone, error) {
	switch word {
	case "keep":
		return &whole.Gone{}, nil
	case "retract":
		return &whole.Gone{Retract: true}, nil
	case "end":
		if _, err := temporal.ParseDate(day); err != nil {
			return nil, problem.New(problem.UsageWrong,
				"tulis tanggalnya, misalnya 2021-03-31 / write the day, such as 2021-03-31")
		}
		return &whole.Gone{End: day}, nil
	}
	return nil, nil
}

// run takes in a list in the name of who has sent it, or only checks it where how is nil, and says
// in v what it came to.
func (h *Handler) run(ctx context.Context, v *view, s *sent, how *importer.Whole) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var back bytes.Buffer
	asBook := !strings.EqualFold(filepath.Ext(s.name), ".csv")
	returned := importer.NewReturned(&back, asBook)
	tally := importer.NewTally(importer.Teller{
		Note: v.note, At: func(uint64, float64) {}, End: func() {}, Refused: v.refuse,
	}, returned)
	in := importer.Import{
		From: client.Within(h.api, s.login), Lists: s.opts, Tally: tally, Memory: s.content,
	}
	if how == nil {
		how, in.Options.DryRun = &importer.Whole{}, true
	}
	var err error
	if s.whole {
		err = in.Whole(ctx, s.name, *how)
	} else {
		err = in.Files(ctx, []string{s.name})
	}
	if err := errors.Join(err, returned.Close(err)); err != nil {
		return err
	}
	s.back = nil
	if returned.Count() > 0 {
		s.back, s.backName = bytes.Clone(back.Bytes()), backName(s.name, asBook)
	}
	v.tell(s, tally)
	return nil
}

// backName names the file of the rows that are given back.
func backName(name string, asBook bool) string {
	extension := ".csv"
	if asBook {
		extension = ".xlsx"
	}
	return strings.TrimSuffix(name, filepath.Ext(name)) + "-kembali" + extension
}

// fail answers with what went wrong, above an empty form.
func (h *Handler) fail(w http.ResponseWriter, v *view, err error) {
	status := http.StatusUnprocessableEntity
	v.Error = err.Error()
	var known *problem.Error
	if errors.As(err, &known) {
		v.Error = known.Detail
		if known.Code == problem.Internal {
			v.Error, status = v.Words.Broken, http.StatusInternalServerError
		}
	}
	h.answer(w, status, v)
}

// back gives the rows of a list back.
func (h *Handler) back(w http.ResponseWriter, r *http.Request) {
	s := h.kept.get(r.URL.Query().Get("token"), r, h.now())
	if s == nil || s.back == nil {
		v := &view{Words: wordsOf(r.URL.Query().Get("lang"))}
		h.fail(w, v, errors.New(v.Words.Expired))
		return
	}
	download(w, s.backName)
	_, _ = w.Write(s.back) // whoever asked may be gone
}

func download(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename*=UTF-8''%s",
		url.PathEscape(name)))
}

// template gives an empty list of a kind.
func (h *Handler) template(w http.ResponseWriter, r *http.Request) {
	kind, ok := lists.ParseKind(r.URL.Query().Get("kind"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	language := wordsOf(r.URL.Query().Get("lang")).language
	t := lists.NewTemplate(kind, language)
	var out bytes.Buffer
	if err := book.Write(&out, &t, language); err != nil {
		h.fail(w, &view{Words: wordsOf("")}, err)
		return
	}
	download(w, kind.String()+".xlsx")
	_, _ = w.Write(out.Bytes()) // whoever asked may be gone
}
