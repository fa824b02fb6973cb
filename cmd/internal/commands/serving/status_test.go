package serving

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists"
)

// TestStatusWords writes a status in both languages: each line of the one has one of the other.
func TestStatusWords(t *testing.T) {
	at := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	var s ledger.Status
	s.Status, s.Role, s.Head = ledger.HealthOK, cluster.RoleStandby, 1234
	s.Certificates = "that of n1:4222 ends at 2026-03-02T04:00:00Z"
	s.Writer = &ledger.WriterStatus{Name: "a-1", URL: "http://a:7070", Since: at}
	s.Projections = map[string]ledger.ProjectionHealth{"coverage": {Sequence: 1200}}
	s.Verified = map[string]ledger.Verified{"log": {Sequence: 1100, At: at}}
	s.Intake.Waiting, s.Intake.Refused, s.Intake.Removed.ForAge = 2, 3, 4
	s.Streams = []ledger.StreamStatus{{Name: "CAKUPAN", Replicas: 3, Current: 2, Leader: "n1"}}
	for language, want := range map[lists.Language][]string{
		lists.English: {
			"status ok", "certificates that of n1:4222 ends at 2026-03-02T04:00:00Z", "role standby", "writer http://a:7070 (a-1) since 2026-03-01T04:00:00Z",
			"head event 1,234", "coverage event 1,200",
			"verified log up to 1,100 at 2026-03-01T04:00:00Z",
			"intake 2 packs waiting, 3 refused messages to be settled",
			"removed 0 refusals to make room, 4 for their age, since the start",
			"CAKUPAN 2 of 3 replicas are current, led by n1",
		},
		lists.Indonesian: {
			"keadaan ok", "sertifikat that of n1:4222 ends at 2026-03-02T04:00:00Z", "peran siaga", "penulis http://a:7070 (a-1) sejak 2026-03-01T04:00:00Z",
			"ujung peristiwa 1.234", "coverage peristiwa 1.200",
			"diperiksa log sampai 1.100 pada 2026-03-01T04:00:00Z",
			"masukan 2 paket menunggu, 3 pesan yang ditolak belum diselesaikan",
			"dibuang 0 penolakan karena tempatnya penuh, 4 karena lama, sejak dimulai",
			"CAKUPAN 2 dari 3 salinan mutakhir, dipimpin n1",
		},
	} {
		var text bytes.Buffer
		if err := writeStatus(&cli.Console{Stdout: &text}, s, language); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(text.String()) {
			got = append(got, strings.Join(strings.Fields(line), " "))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("in %v:\n%s", language, strings.Join(got, "\n"))
		}
	}
}
