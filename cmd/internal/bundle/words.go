package bundle

import (
	"fmt"
	"strings"
	"text/template"
)

// Words says what was checked, in plain words: what is proved, what is not, and who is to be
// trusted for the rest. r must come from Check without an error: the words say that all of it was
// found so. An error is one of the template, which does not depend on what is in r.
func Words(r *Result, indonesian bool) (string, error) {
	words := english
	if indonesian {
		words = bahasa
	}
	var b strings.Builder
	if err := words.Execute(&b, r); err != nil {
		return "", fmt.Errorf("say what was checked: %w", err)
	}
	return b.String(), nil
}

// ComparedWords says that a running ledger goes on from the bundle. It is said below Words, where
// the two were compared; this package does not do so itself.
func ComparedWords(indonesian bool) string {
	if indonesian {
		return "✓ Ledger yang berjalan masih memuat seluruh masa lalu ini."
	}
	return "✓ The running ledger still has all of this past."
}

// The words in both languages, which say the same. They are never written.
var (
	english = template.Must(template.New("en").Parse(`{{with .Signed.Answer -}}
{{.Region}} {{.Name}} on {{.On}}, as known at event {{.Known.Sequence}}
(recorded {{.Known.RecordedAt}}):
covered {{.Covered}}, confirmed {{.Confirmed}}, in grace {{.InGrace}}, enrolments {{.Enrolments}};
{{with .Percent}}{{.}} % of {{else}}no percentage: nobody has published {{end}}{{end -}}
{{.Signed.Indicator}}

PROVED
✓ The figure follows from the events in this file: it was counted anew here, by rules
  {{.Signed.Rules}}.
✓ These {{.Signed.Extent.Events}} events are the log's: bytes, order and record times. They and
  what the file hides give the root of all {{.Signed.Size}} events that were known.
✓ That log is the beginning of the one of {{.Size}} events that the ledger has signed.
✓ No event is missing or added against what the ledger has signed for this region: it has
  committed to exactly these.
✓ Each of them is of the region or of somebody who was ever enrolled there, or says what that
  rests on: {{.Enrolments}} enrolments, {{.Workers}} worker ids, nobody of other regions.

NOT PROVED
– That what was reported is true. The log keeps who said what, not whether it was so.
– That none of the hidden events is of the region. The ledger has signed that; whoever has the
  whole log can show it, or the opposite: cakupan bundle gives the same events again.
– When an event was recorded: record times are by the ledger's clock.

WHO IS TO BE TRUSTED FOR THAT
· Those who reported, for what they reported.
· Whoever holds the key of the ledger, for the other two. It must have come to you by another way
  than this file: {{.Key}}
{{with .Successor}}  It has signed that another key takes its place, with which this is signed:
  {{.}}
{{end}}{{if .Witnesses -}}
· For there being one past, nobody alone: it is cosigned by
{{- range .Witnesses}} {{.Witness}} ({{.At.Format "2006-01-02 15:04"}} UTC){{end}}.
{{else -}}
· The same, that no other past was signed for others: no witness was checked. Name one with
  --witness, or compare with the running ledger (--ledger).
{{end -}}
{{if .Others}}  Not checked are the signatures of{{range .Others}} {{.}}{{end}}.
{{end}}`))

	bahasa = template.Must(template.New("id").Parse(`{{with .Signed.Answer -}}
{{.Region}} {{.Name}} per {{.On}}, menurut yang diketahui pada peristiwa {{.Known.Sequence}}
(dicatat {{.Known.RecordedAt}}):
terlindungi {{.Covered}}, terkonfirmasi {{.Confirmed}}, masa tenggang {{.InGrace}}, kepesertaan
{{.Enrolments}};
{{with .Percent}}{{.}} % dari {{else}}tanpa persentase: belum ada publikasi {{end}}{{end -}}
{{.Signed.Indicator}}

TERBUKTI
✓ Angka ini mengikuti dari peristiwa dalam berkas ini: di sini dihitung ulang dengan aturan
  {{.Signed.Rules}}.
✓ {{.Signed.Extent.Events}} peristiwa ini milik log: isi, urutan dan waktu pencatatannya. Bersama
  yang disembunyikan berkas ini, semuanya menghasilkan akar dari seluruh {{.Signed.Size}}
  peristiwa yang diketahui.
✓ Log itu adalah awal dari log {{.Size}} peristiwa yang ditandatangani ledger.
✓ Tidak ada peristiwa yang kurang atau lebih dibanding yang ditandatangani ledger untuk wilayah
  ini: ledger terikat pada tepat peristiwa-peristiwa ini.
✓ Setiap peristiwa menyangkut wilayah ini, orang yang pernah terdaftar di sana, atau dasar dari
  itu: {{.Enrolments}} kepesertaan, {{.Workers}} id pekerja, tidak seorang pun dari wilayah lain.

TIDAK TERBUKTI
– Bahwa yang dilaporkan itu benar. Log menyimpan siapa mengatakan apa, bukan benar tidaknya.
– Bahwa di antara peristiwa yang disembunyikan tidak ada yang menyangkut wilayah ini. Itu
  ditandatangani ledger; siapa pun yang memegang seluruh log dapat menunjukkannya, atau
  sebaliknya: cakupan bundle menghasilkan peristiwa yang sama lagi.
– Kapan suatu peristiwa dicatat: waktu pencatatan menurut jam ledger.

SIAPA YANG HARUS DIPERCAYA UNTUK ITU
· Para pelapor, atas apa yang mereka laporkan.
· Pemegang kunci ledger, atas dua hal lainnya. Kunci itu harus sampai kepada Anda lewat jalan lain
  daripada berkas ini: {{.Key}}
{{with .Successor}}  Kunci itu menyatakan, dengan tanda tangannya, bahwa kunci lain
  menggantikannya; kunci itulah yang menandatangani ini:
  {{.}}
{{end}}{{if .Witnesses -}}
· Bahwa hanya ada satu masa lalu, tidak bergantung pada satu pihak: ikut menandatangani
{{- range .Witnesses}} {{.Witness}} ({{.At.Format "2006-01-02 15:04"}} UTC){{end}}.
{{else -}}
· Pemegang kunci yang sama, bahwa tidak ada masa lalu lain yang ditandatangani untuk orang lain:
  tidak ada saksi yang diperiksa. Sebutkan saksi dengan --witness, atau bandingkan dengan ledger
  yang berjalan (--ledger).
{{end -}}
{{if .Others}}  Tidak diperiksa: tanda tangan{{range .Others}} {{.}}{{end}}.
{{end}}`))
)
