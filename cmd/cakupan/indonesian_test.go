package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/commands/publishing"
	"cakupan/cmd/internal/commands/serving"
	"cakupan/cmd/internal/indonesian"
)

// TestIndonesianHelp makes sure that each flag of a clerk's commands is explained in Indonesian, and
// that who asks for that language, or for English, gets it.
func TestIndonesianHelp(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&grammar{}, texts(), clusterTexts(), memberTexts(), proofTexts(),
		serving.ShareTexts(),
		kong.NamedMapper("folder", publishing.FolderOrEvent(new(publishing.EventData))),
		kong.NamedMapper("login", kong.MapperFunc(cli.LoginOrFile)))
	if err != nil {
		t.Fatal(err)
	}
	if missing := indonesian.Missing(parser.Model); len(missing) > 0 {
		t.Errorf("no words in Indonesian for %s", strings.Join(missing, ", "))
	}
	for _, c := range []struct{ args, want, not string }{
		{"--help --lang id", "Untuk petugas yang mengirim daftar", "Usage:"},
		{"import --help --lang=id", "Kembalikan yang ditolak", "Flags:"},
		{"import -h --lang en", "Write each refused event", "Pilihan:"},
		{"list --lang id --help", "Batalkan langkah terakhir", "Commands:"},
		{"list undo --help --lang id", "Pembatalan juga sebuah langkah", "Show context"},
		{"template --lang id --help", "lembar Petunjuk", "Arguments:"},
		{"coverage --lang id --help", "berapa pekerja yang terlindungi", "Flags:"},
		{"serve --lang id --help", "Run the ledger", "Cara pakai"},
	} {
		stdout, diagnostics, code := e2eRun(t.Context(), t, nil, strings.Fields(c.args)...)
		if code != 0 || !strings.Contains(stdout, c.want) || strings.Contains(stdout, c.not) {
			t.Errorf("%s: exit %d, %q: %s", c.args, code, diagnostics, stdout)
		}
	}
	_, diagnostics, code := e2eRun(t.Context(), t, nil, "template", "--lang", "id", "--format", "pdf")
	if code != 2 || !strings.Contains(diagnostics, "harus salah satu dari") {
		t.Errorf("exit %d: %s", code, diagnostics)
	}
}
