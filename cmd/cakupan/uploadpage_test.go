package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	browserdomain "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// TestPageOfClerk is a day of a clerk at /upload, in Indonesian and on a telephone: an empty list is
// taken and filled, the file chosen, the preview read, the rows that are refused taken back,
// corrected and sent, and the whole list sent again without one person. The ledger is guarded, and
// the clerk knows a name and a secret alone.
func TestPageOfClerk(t *testing.T) {
	openedOrSkip(t)
	dir := t.TempDir()
	secret := addPublisher(t, dir, "dinas")
	auditor := member(t, dir, "reader", "add", "auditor", "--role", "auditor")
	url := serveGuarded(t, dir).url
	b := openBrowser(t, url)
	b.asks(func() *fetch.AuthChallengeResponse {
		return &fetch.AuthChallengeResponse{
			Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: "dinas", Password: secret,
		}
	})
	c := clerk{browser: b, dir: t.TempDir(), url: url, auditor: auditor}
	b.do("telephone", b.width(390), browserdomain.SetDownloadBehavior(
		browserdomain.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(c.dir))
	c.open()
	b.click(`a[href^="/upload/template?kind=enrolment"]`)
	list := c.downloaded("enrolment.xlsx", "daftar.xlsx")
	var rows [][]any
	for i := range 4 {
		rows = append(rows, []any{
			fmt.Sprintf("75030115019%05d", i+1), "", "75.03", "Bukan Penerima Upah", "Pekerja Rentan",
			"JKK, JKM", "Peserta Sendiri", "2021-01-31",
		})
	}
	rows[1][2], rows[2][7] = "7503", "belum"
	fillBook(t, list, "BB-2021-01", rows)

	c.check(list, false)
	c.says("belum ada yang dicatat", "dibaca 4 baris: 2 laporan akan dicatat, 0 sudah ada, 2 ditolak",
		"Kode Wilayah", "75.03 Kabupaten Bone Bolango", "Tanggal Mulai", "0 → 2")
	c.looks("preview")
	b.click(`a[href^="/upload/back"]`)
	back := c.downloaded("daftar-kembali.xlsx", "perbaiki.xlsx")
	c.send()
	c.says("Sudah dicatat", "2 laporan dicatat", "0 → 2")
	c.looks("sent")

	setCells(t, back, map[string]any{"C6": "75.03", "H7": "2021-02-28"})
	c.open()
	c.check(back, false)
	c.says("2 laporan akan dicatat", "0 ditolak", "2 → 4")
	c.send()
	c.says("Sudah dicatat", "2 → 4")

	// The next day: the third began later, and the fourth is no worker.
	right := map[string]any{"C6": "75.03", "H7": "2021-03-01"}
	for _, column := range "ABCDEFGH" {
		right[string(column)+"8"] = nil
	}
	setCells(t, list, right)
	c.open()
	c.check(list, true)
	c.says("2 baris tetap, 0 baru, 1 berubah, 1 hilang", "hilang dari daftar: baris 8")
	c.looks("whole")
	b.click(`input[value="retract"]`)
	c.send()
	c.says("Sudah dicatat", "laporan dicatat")
	c.looks("whole sent")
	c.covered("2021-02-01", 2)
	c.covered("2021-03-01", 3)
	b.sound()
	c.missteps(list)
	c.slowly(list)
}

// clerk is who sits at the page.
type clerk struct {
	*browser
	dir, url, auditor string
}

// open goes to the page and looks at it.
func (c *clerk) open() {
	c.t.Helper()
	c.do("open", chromedp.Navigate(c.url+"/upload"))
	c.until("the form", `document.querySelector("input[type=file]") !== null && document.documentElement.lang === "id"`)
	c.looks("choose")
}

// check chooses a file and has it checked, as the whole of its list or not.
func (c *clerk) check(path string, whole bool) {
	c.t.Helper()
	c.do("choose", chromedp.SetUploadFiles("input[type=file]", []string{path}, chromedp.ByQuery))
	if whole {
		c.click(`input[name="whole"]`)
	}
	c.click("form button")
	c.until("an answer", `document.querySelector("form button:disabled") === null`)
}

// send confirms what was checked.
func (c *clerk) send() {
	c.t.Helper()
	c.click("form button")
	c.until("an answer", `document.querySelector("form button:disabled") === null`)
}

// says makes sure that the page says all of it.
func (c *clerk) says(parts ...string) {
	c.t.Helper()
	text := c.text("main")
	for _, part := range parts {
		if !strings.Contains(text, part) {
			c.t.Errorf("%q is not in:\n%s", part, text)
		}
	}
	if strings.Contains(text, "750301150") {
		c.t.Errorf("a NIK is shown:\n%s", text)
	}
}

// looks makes sure that the page fits the screen and can be used by everybody, by day and night.
func (c *clerk) looks(what string) {
	c.t.Helper()
	var wide bool
	c.eval(`document.documentElement.scrollWidth > innerWidth`, &wide)
	if wide {
		c.t.Errorf("%s: the page scrolls sideways", what)
	}
	for _, dark := range []bool{true, false} {
		c.do("theme", c.dark(dark))
		c.axe(fmt.Sprintf("%s, dark %t", what, dark))
	}
	c.picture("upload-" + strings.ReplaceAll(what, " ", "-"))
}

// downloaded waits for a whole file and gives it another name.
func (c *clerk) downloaded(name, as string) string {
	c.t.Helper()
	from, to := filepath.Join(c.dir, name), filepath.Join(c.dir, as)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if os.Rename(from, to) == nil { // Chromium gives a file its name when it is whole
			return to
		}
	}
	c.t.Fatalf("%s was not downloaded", name)
	return ""
}

// covered compares how many people the ledger says are covered.
func (c *clerk) covered(on string, want int) {
	c.t.Helper()
	response, body := asked{
		method: "GET", url: c.url + "/v1/coverage?region=75.03&on=" + on, authorization: "Bearer " + c.auditor,
	}.ask(c.t)
	if part := fmt.Sprintf(`"covered":%d,`, want); response.StatusCode != 200 || !strings.Contains(body, part) {
		c.t.Errorf("on %s: %d %s, not %s", on, response.StatusCode, body, part)
	}
}

// missteps are what is answered with words above the form: no list, and one that says too little.
func (c *clerk) missteps(list string) {
	c.open()
	other := filepath.Join(c.dir, "surat.csv")
	writeText(c.t, other, "Kepada Yth.\nBupati Bone Bolango\n")
	c.check(other, false)
	c.says("surat.csv: tidak ada baris judul kolom")
	c.looks("no list")
	c.forget() // that it was refused is said in the console
	setCells(c.t, list, map[string]any{"B1": nil})
	c.check(list, false)
	c.says("kode daftar belum diisi", "di Pilihan lain")
	c.set(`input[name="list"]`, "BB-2021-02")
	c.check(list, false)
	c.says("belum ada yang dicatat")
	c.forget()
}

// slowly sends a longer list over a line as slow as a village office has, and sees it go: how far it
// is, then what was read, then that it is recorded.
func (c *clerk) slowly(list string) {
	c.t.Helper()
	const people, bytesPerSecond = 1_500, 24 << 10
	var rows [][]any
	for i := range people {
		rows = append(rows, []any{
			fmt.Sprintf("75030115019%05d", 1_000+i), "", "75.03", "Bukan Penerima Upah", "Pekerja Rentan",
			"JKK, JKM", "Peserta Sendiri", "2021-01-31",
		})
	}
	fillBook(c.t, list, "BB-2021-03", rows)
	c.open()
	c.do("a slow line", network.Enable(),
		network.EmulateNetworkConditions(false, 400, bytesPerSecond, bytesPerSecond)) // ms
	c.do("choose", chromedp.SetUploadFiles("input[type=file]", []string{list}, chromedp.ByQuery))
	c.click("form button")
	c.until("a part that is sent", `(({hidden, value}) => !hidden && value > 0 && value < 1)(document.querySelector("form progress"))`)
	c.picture("upload-slow-line")
	c.until("an answer", `document.querySelector("form button:disabled") === null`)
	c.says("belum ada yang dicatat", "1500 laporan akan dicatat", "0 ditolak")
	c.send()
	c.says("Sudah dicatat", "1500 laporan dicatat")
}
