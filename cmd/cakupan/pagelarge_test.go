package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestPageOfMany says how long the page takes over two million events, which depends on the
// machine: it fails for none of it.
func TestPageOfMany(t *testing.T) {
	openedOrSkip(t)
	if os.Getenv("CAKUPAN_LONG") == "" {
		t.Skip("set CAKUPAN_LONG for two million events")
	}
	name := filepath.Join(t.TempDir(), "many.ndjson")
	writeMany(t, name, 650_000)
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	d := &demoServer{
		t: t, dir: filepath.Join(t.TempDir(), "data"), address: address, command: []string{"serve"},
	}
	if code, _, stderr := runCommand(t, "import", "--data", d.dir, name); code != 0 {
		t.Fatal(stderr)
	}
	d.start()
	t.Cleanup(d.stop)
	b := openBrowser(t, d.url())
	b.counts()
	for _, query := range []string{"?lang=en&region=75", "?lang=en&region=75.03&on=2024-12-31"} {
		b.tellOpening(d, query)
	}
	b.tellSteps(d)
	b.picture("many")
	b.sound()
}

// writeMany writes events of as many people, three each.
func writeMany(t *testing.T, name string, persons int) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(file, 1<<20)
	n := 0
	event := func(kind, data string, about ...any) {
		n++
		_, _ = fmt.Fprintf(w, `{"specversion":"1.0","id":"%d","source":"urn:many","type":"id.cakupan.%s","data":{%s}}`+"\n",
			n, kind, fmt.Sprintf(data, about...))
	}
	regions := []string{"75.01", "75.02", "75.03", "75.04", "75.05", "75.71", "75"}
	for i, region := range regions {
		count := 200_000 + 1_000_000*(i/6)
		event("workforce.published.v1", `"region":%q,"sector":"ALL","indicator":"EMPLOYED","count":%d,`+
			`"reference":"2015-08-31","publication":"p"`, region, count)
		event("target.set.v1", `"region":%q,"sector":"ALL","percent":"60","from":"2015-01-01"`, region)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for i := range persons {
		year, month := 2015+dice.IntN(11), 1+dice.IntN(12)
		event("enrolment.opened.v1", `"enrolment":"e%[1]d","worker":"w%[1]d","region":%[2]q,"segment":%[3]q,`+
			`"category":"PRIVATE","programmes":["JKK","JKM"],"payer":%[4]q,"from":"%[5]d-%02[6]d-%02[7]d"`,
			i, regions[dice.IntN(6)], []string{"PU", "BPU"}[dice.IntN(2)],
			[]string{"SELF", "EMPLOYER"}[dice.IntN(2)], year, month, 1+dice.IntN(28))
		for more := range 2 {
			event("contribution.credited.v1", `"enrolment":"e%d","from":"%d-%02[3]d","until":"%[4]d-%02[3]d"`,
				i, year, month, year+1+more)
		}
	}
	if err := w.Flush(); err != nil { // says of all that was written
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
