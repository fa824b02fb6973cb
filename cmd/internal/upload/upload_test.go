package upload_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/upload"
)

// browser asks the routes of a ledger as somebody's browser does.
type browser struct {
	t     *testing.T
	api   http.Handler
	login string
}

// open opens a ledger of its own, whose clock is the test's.
func open(t *testing.T, clock *atomic.Int64) *browser {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	now := func() time.Time { return time.Unix(clock.Load(), 0) }
	return &browser{t: t, login: "Bearer one", api: httpapi.New(l, httpapi.Config{
		Upload: func(api http.Handler) http.Handler { return upload.New(api, now) },
	})}
}

func (b *browser) do(method, path, kind string, body io.Reader) (string, *http.Response) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, "http://ledger"+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Authorization", b.login)
	request.Header.Set("Content-Type", kind)
	response, err := httpapi.InProcess(b.api).RoundTrip(request)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text), response
}

// post sends the form of the page, with a file where there is a name of one.
func (b *browser) post(name, content string, fields ...string) (string, *http.Response) {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			b.t.Fatal(err)
		}
	}
	if name != "" {
		part, err := form.CreateFormFile("file", name)
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := io.WriteString(part, content); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	return b.do(http.MethodPost, "/upload", form.FormDataContentType(), &body)
}

// expect makes sure that a page says all of it.
func (b *browser) expect(page string, parts ...string) {
	b.t.Helper()
	for _, part := range parts {
		if !strings.Contains(page, part) {
			b.t.Errorf("%q is not in:\n%s", part, page)
		}
	}
}

// events returns how many events the log has.
func (b *browser) events() int {
	b.t.Helper()
	text, _ := b.do(http.MethodGet, "/v1/events", "", http.NoBody)
	return strings.Count(text, "\n")
}

var tokenOf = regexp.MustCompile(`token[="]+(?: value=")?([A-Z0-9]{20,})`)

func (b *browser) token(page string) string {
	b.t.Helper()
	found := tokenOf.FindStringSubmatch(page)
	if found == nil {
		b.t.Fatalf("no token in:\n%s", page)
	}
	return found[1]
}

const head = "Daftar;U-1\nNIK;KPJ;Kode Wilayah;Segmen;Kategori;Program;Pembayar;Tanggal Mulai;Nama\n"

func row(n int, region, from string) string {
	return fmt.Sprintf("75030115019%05d;;%s;PU;Swasta;JKK;Pemberi Kerja;%s;Ani\n", n, region, from)
}

// TestListIsCheckedConfirmedAndCorrected goes through the page as a clerk does, without a script.
func TestListIsCheckedConfirmedAndCorrected(t *testing.T) {
	t.Parallel()
	b := open(t, new(atomic.Int64))
	page, response := b.do(http.MethodGet, "/upload", "", http.NoBody)
	b.expect(page, `lang="id"`, "Kirim daftar", `type="file"`)
	if policy := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy,
		"default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	list := strings.Replace(head, "Nama", "<script>alert(1)</script>", 1) + row(1, "75.03", "2021-03-01") + row(2, "75.03", "2021-03-01") +
		row(3, "x", "2021-03-01")
	page, _ = b.post("daftar.csv", list)
	b.expect(page, "belum ada yang dicatat", "2 laporan akan dicatat", "1 ditolak",
		"75.03 Kabupaten Bone Bolango pada 2021-03-01: 0 → 2", "&lt;script&gt;", "Kode Wilayah")
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "7503011501900003") {
		t.Errorf("a cell is there as it was:\n%s", page)
	}
	if n := b.events(); n != 0 {
		t.Fatalf("the check has recorded %d events", n)
	}
	token := b.token(page)
	back, response := b.do(http.MethodGet, "/upload/back?token="+token, "", http.NoBody)
	b.expect(back, "7503011501900003", "Yang Harus Diperbaiki")
	b.expect(response.Header.Get("Content-Disposition"), "daftar-kembali.csv")
	page, _ = b.post("", "", "token", token)
	b.expect(page, "Sudah dicatat", "2 laporan dicatat", "0 → 2")
	if n := b.events(); n != 2 {
		t.Fatalf("%d events are recorded", n)
	}
	page, _ = b.post("", "", "token", token)
	b.expect(page, "Sudah dicatat", "2 laporan dicatat") // whoever presses twice is told the same
	if n := b.events(); n != 2 {
		t.Fatalf("%d events are recorded after the second time", n)
	}
	back, _ = b.do(http.MethodGet, "/upload/back?token="+token, "", http.NoBody)
	b.expect(back, "7503011501900003")

	// Corrected: one began later, one is gone.
	page, _ = b.post("daftar.csv", head+row(1, "75.03", "2021-05-01"), "whole", "yes")
	b.expect(page, "1 berubah, 1 hilang", `value="retract"`)
	token = b.token(page)
	page, response = b.post("", "", "token", token)
	b.expect(page, "Pilih dahulu apa yang terjadi")
	if response.StatusCode != 422 || b.events() != 2 {
		t.Errorf("nobody has said what becomes of who is gone: %d, %d events",
			response.StatusCode, b.events())
	}
	// Somebody else sends a row of the same list between the check and its confirmation.
	other, _ := b.post("daftar.csv", head+row(3, "75.03", "2021-04-01"))
	other, _ = b.post("", "", "token", b.token(other))
	b.expect(other, "1 laporan dicatat")
	page, response = b.post("", "", "token", token, "gone", "end", "end", "2021-06-01")
	b.expect(page, "berubah sejak diperiksa")
	if response.StatusCode != 422 || b.events() != 3 {
		t.Errorf("what was not shown is confirmed: %d, %d events", response.StatusCode, b.events())
	}
	page, _ = b.post("daftar.csv", head+row(1, "75.03", "2021-05-01")+row(3, "75.03", "2021-04-01"),
		"whole", "yes")
	b.expect(page, "1 berubah, 1 hilang")
	token = b.token(page)
	page, _ = b.post("", "", "token", token, "gone", "end", "end", "2021-06-01")
	b.expect(page, "Sudah dicatat", "3 laporan dicatat")
	if n := b.events(); n != 6 {
		t.Errorf("%d events are recorded", n)
	}
}

// TestListsAreTheirSendersAlone keeps a list for who has sent it, and not for long.
func TestListsAreTheirSendersAlone(t *testing.T) {
	t.Parallel()
	clock := new(atomic.Int64)
	b := open(t, clock)
	page, _ := b.post("daftar.csv", head+row(1, "75.03", "2021-03-01")+row(2, "x", "2021-03-01"))
	token := b.token(page)
	b.login = "Bearer two"
	for _, ask := range []func() (string, *http.Response){
		func() (string, *http.Response) { return b.post("", "", "token", token) },
		func() (string, *http.Response) {
			return b.do(http.MethodGet, "/upload/back?token="+token, "", http.NoBody)
		},
	} {
		if text, response := ask(); response.StatusCode != 422 || strings.Contains(text, "75030") {
			t.Errorf("somebody else's list: %d %s", response.StatusCode, text)
		}
	}
	b.login = "Bearer one"
	clock.Add(3_600)
	if text, response := b.post("", "", "token", token); response.StatusCode != 422 ||
		!strings.Contains(text, "tidak disimpan") || b.events() != 0 {
		t.Errorf("an hour later: %d %s", response.StatusCode, text)
	}
}

// TestWhatIsNoList is answered with words, and nothing is recorded.
func TestWhatIsNoList(t *testing.T) {
	t.Parallel()
	b := open(t, new(atomic.Int64))
	for _, c := range []struct{ name, content, want string }{
		{"", "", "Pilih berkas daftarnya dahulu"},
		{"list.pdf", "x", ".xlsx"},
		{"list.xlsx", "no workbook", "list.xlsx"},
		{"list.csv", "a;b\n1;2\n", "list.csv"},
		{"list.csv", head, "kosong"},
		{"list.xls", "x", "simpan sebagai .xlsx"},
		{"list.csv", strings.TrimPrefix(head, "Daftar;U-1\n"), "di Pilihan lain"},
		{"list.csv", strings.Repeat("x", 33<<20), "Paling banyak 32 MB"},
	} {
		if text, _ := b.post(c.name, c.content); !strings.Contains(text, c.want) {
			t.Errorf("%s: %q is not in:\n%.2000s", c.name, c.want, text)
		}
	}
	text, response := b.do(http.MethodPost, "/upload", "text/plain", strings.NewReader("x"))
	if response.StatusCode != 422 || !strings.Contains(text, "Kirim formulir") {
		t.Errorf("no form: %d %s", response.StatusCode, text)
	}
	for path, kind := range map[string]string{
		"/upload/page.js": "text/javascript", "/upload/page.css": "text/css",
		"/upload/template?kind=funding": "application/octet-stream",
	} {
		text, response := b.do(http.MethodGet, path, "", http.NoBody)
		got := response.Header.Get("Content-Type")
		if response.StatusCode != 200 || !strings.HasPrefix(got, kind) || text == "" {
			t.Errorf("%s: %d %s", path, response.StatusCode, got)
		}
	}
	if n := b.events(); n != 0 {
		t.Errorf("%d events are recorded", n)
	}
}
