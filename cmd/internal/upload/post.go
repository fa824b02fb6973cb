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
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/importer"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/book"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// form is what a form has sent: fields and, of the first one, a file. It belongs to one request. A
// second file takes the place of the one before.
type form struct {
	fields  map[string]string
	name    string
	content []byte
}

// fieldBytesMax bounds each field but the file. It is far above a day, an id or a token.
const fieldBytesMax = 1 << 10

// read reads a form. Files stay in memory: what else reads forms may write them to the disk. The
// deadline is the page's own, because a list over a slow line takes longer than a body of events
// may; a transport without deadlines has none. An error is a problem in the language of the page;
// what was read by then is dropped.
func (v *view) read(w http.ResponseWriter, r *http.Request) (f form, err error) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	f.fields = map[string]string{}
	parts, err := r.MultipartReader()
	if err != nil {
		return f, problem.New(problem.MediaType, v.Say("noForm"))
	}
	for range 16 { // more fields than there are
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		} else if err != nil {
			return f, problem.Wrap(problem.BodyIncomplete, v.Say("endedTooEarly"), err)
		}
		most := int64(fieldBytesMax)
		if part.FileName() != "" {
			most = listBytesMax
		}
		content, err := io.ReadAll(io.LimitReader(part, most+1))
		switch {
		case err != nil:
			return f, problem.Wrap(problem.BodyIncomplete, v.Say("endedTooEarly"), err)
		case int64(len(content)) > most:
			return f, problem.New(problem.BodyTooLarge, fmt.Sprintf(v.Say("tooLarge"),
				listBytesMax>>20))
		case part.FileName() != "":
			f.name, f.content = filepath.Base(part.FileName()), content
		default:
			f.fields[part.FormName()] = string(content)
		}
	}
	return f, problem.New(problem.Malformed, v.Say("noForm"))
}

// post checks a list, or takes in one that was checked. A list that is too many is refused at once
// and not queued: it would hold memory while it waits. What is checked is kept for the
// confirmation, with the login that sent it.
func (h *Handler) post(w http.ResponseWriter, r *http.Request) {
	v := newView(r)
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		v.Error = v.Say("busy")
		w.Header().Set("Retry-After", "10")
		h.answer(w, http.StatusTooManyRequests, v)
		return
	}
	f, err := v.read(w, r)
	if err != nil {
		w.Header().Set("Connection", "close") // what is left of the form is not read
		h.fail(w, v, err)
		return
	}
	// The form of the confirmation has a token and no file, so the list need not travel twice.
	if token := f.fields["token"]; token != "" {
		h.confirm(w, r, v, token, f.fields)
		return
	}
	s, err := v.chosen(&f)
	if err != nil {
		h.fail(w, v, err)
		return
	}
	s.login = r.Header.Get("Authorization")
	// Of a publisher of one source that does not cover the one lists have by themselves.
	if sources := httpapi.SourcesOf(r.Context()); len(sources) == 1 &&
		!event.SourceCovers(sources[0], lists.SourcePrefix) {
		s.opts.FallbackSource = sources[0] // nobody need know it by heart
	}
	v.checking = true
	err = h.run(r.Context(), v, s, nil)
	if err != nil {
		h.fail(w, v, err)
		return
	}
	v.Checked, v.Token = true, h.kept.put(s, h.now())
	h.answer(w, http.StatusOK, v)
}

// chosen reads which list is meant. The name of the file says which kind of file it is. Fields are
// trimmed, as people copy them with spaces around.
func (v *view) chosen(f *form) (*sent, error) {
	if f.name == "" || len(f.content) == 0 {
		return nil, problem.New(problem.UsageWrong, v.Say("noFile"))
	}
	if !importer.IsList(f.name) {
		return nil, problem.New(problem.UsageWrong, fmt.Sprintf(v.Say("noList"), f.name))
	}
	s := &sent{name: f.name, content: f.content, whole: f.fields["whole"] != ""}
	s.opts = lists.Options{
		ID: strings.TrimSpace(f.fields["list"]), Source: strings.TrimSpace(f.fields["source"]),
		Sheet: strings.TrimSpace(f.fields["sheet"]), KeepRows: true, Readers: &v.language,
	}
	return s, nil
}

// confirm takes in a list that was checked. Two confirmations of one list at once are done one
// after the other, and the second is told what the first came to. If we crash in the middle, some
// rows are in the log; the list sent again adds the others.
func (h *Handler) confirm(w http.ResponseWriter, r *http.Request, v *view, token string,
	fields map[string]string,
) {
	s := h.kept.get(token, r, h.now())
	if s == nil {
		h.fail(w, v, errors.New(v.Say("expired")))
		return
	}
	s.confirming.Lock()
	defer s.confirming.Unlock()
	if s.done != nil {
		h.answer(w, http.StatusOK, s.done)
		return
	}
	var how importer.Whole
	// What is gone from a list cannot be told from what was forgotten, so a person must say what
	// becomes of it.
	if s.whole {
		gone, err := v.goneOf(fields["gone"], fields["end"])
		if err == nil && gone == nil && s.gone {
			err = problem.New(problem.UsageWrong, v.Say("chooseGone"))
		}
		if err != nil {
			h.fail(w, v, err)
			return
		}
		how.Gone, how.Seen = gone, &s.seen
	}
	// What has begun is done to its end, also if the page is closed: else nobody knows how far.
	err := h.run(context.WithoutCancel(r.Context()), v, s, &how)
	if err != nil {
		h.fail(w, v, err)
		return
	}
	v.Done, v.Token = true, token
	h.kept.done(token, s, v)
	h.answer(w, http.StatusOK, v)
}

// goneOf reads what becomes of rows that are gone; nil when nothing was chosen. The words are the
// values of the form's choice. A day is asked for and judged here where the rows are to end. An
// error is a problem with words for the page.
func (v *view) goneOf(word, day string) (*whole.Gone, error) {
	switch word {
	case "keep":
		return &whole.Gone{}, nil
	case "retract":
		return &whole.Gone{Retract: true}, nil
	case "end":
		if _, err := temporal.ParseDate(day); err != nil {
			return nil, problem.New(problem.UsageWrong, v.Say("noDay"))
		}
		return &whole.Gone{End: day}, nil
	}
	return nil, nil
}

// run takes in a list in the name of who has sent it, or only checks it where how is nil, and says
// in v what it came to. The errors of single rows are not its error: they are in the tally, and in
// the rows that are given back. After an error of its own, some rows may be in the log where how is
// not nil. It is asked by one goroutine at a time for one list.
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
	// In his name and by his login, so the same rights and the same bounds hold as for his own
	// program.
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
	// The rows of before are of a check that this one has taken the place of.
	s.back = nil
	if returned.Count() > 0 {
		s.back, s.backName = bytes.Clone(back.Bytes()), backName(s.name, asBook)
	}
	v.tell(s, tally)
	return nil
}

// backName names the file of the rows that are given back. It is in Indonesian, as the files of
// offices are.
func backName(name string, asBook bool) string {
	extension := ".csv"
	if asBook {
		extension = ".xlsx"
	}
	return strings.TrimSuffix(name, filepath.Ext(name)) + "-kembali" + extension
}

// fail answers with what went wrong, above an empty form. An internal error is not told in its own
// words, which are for the operator and are in his log.
func (h *Handler) fail(w http.ResponseWriter, v *view, err error) {
	status := http.StatusUnprocessableEntity
	v.Error = err.Error()
	var known *problem.Error
	if errors.As(err, &known) {
		v.Error = known.Detail
		if known.Code == problem.Internal {
			v.Error, status = v.Say("broken"), http.StatusInternalServerError
		}
	}
	// The words are those of the command; what they name stands on the page among the other
	// choices, which are then opened.
	for _, flag := range []string{"--list", "--source", "--sheet"} {
		v.Options = v.Options || strings.Contains(v.Error, flag)
	}
	h.answer(w, status, v)
}

// back gives the rows of a list back. It waits for a run of the same list, which writes them. A
// token of somebody else is as one that has expired.
func (h *Handler) back(w http.ResponseWriter, r *http.Request) {
	s := h.kept.get(r.URL.Query().Get("token"), r, h.now())
	if s != nil {
		s.confirming.Lock()
		rows, name := s.back, s.backName
		s.confirming.Unlock()
		if rows != nil {
			download(w, name)
			_, _ = w.Write(rows) // whoever asked may be gone
			return
		}
	}
	v := newView(r)
	h.fail(w, v, errors.New(v.Say("expired")))
}

// The name is encoded whatever is in it (RFC 6266): it came with the upload. The type is one that
// no browser shows.
func download(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename*=UTF-8''%s",
		url.PathEscape(name)))
}

// template gives an empty list of a kind. It holds no data, so it is the same for everybody.
func (h *Handler) template(w http.ResponseWriter, r *http.Request) {
	kind, ok := lists.ParseKind(r.URL.Query().Get("kind"))
	if !ok {
		missing(w, r, "there are empty lists of these kinds: "+lists.KindNames(lists.English))
		return
	}
	language := languageOf(r.URL.Query().Get("lang"))
	t := lists.NewTemplate(kind, language)
	var out bytes.Buffer
	if err := book.Write(&out, &t, language); err != nil {
		h.fail(w, newView(r), err)
		return
	}
	download(w, kind.String()+".xlsx")
	_, _ = w.Write(out.Bytes()) // whoever asked may be gone
}
