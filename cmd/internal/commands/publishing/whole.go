package publishing

import (
	"bufio"
	"fmt"
	"strings"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/lists/whole"
	"cakupan/domain/temporal"
)

// parseGone reads what becomes of rows that are gone: keep, retract or end:DATE. Spaces around it
// do not count. The day is checked here and passed on as it was written. The error says what is
// possible, in both languages.
func parseGone(text string) (*whole.Gone, error) {
	word, day, _ := strings.Cut(strings.TrimSpace(text), ":")
	switch {
	case word == "keep" && day == "":
		return &whole.Gone{}, nil
	case word == "retract" && day == "":
		return &whole.Gone{Retract: true}, nil
	case word == "end":
		if _, err := temporal.ParseDate(day); err == nil {
			return &whole.Gone{End: day}, nil
		}
	}
	return nil, cli.Usage("--gone must be keep, retract or end:DATE, such as end:2021-03-31: the" +
		" first day on which they are not covered any more (tulis keep, retract atau end:TANGGAL," +
		" hari pertama yang tidak lagi terlindungi)")
}

// askGone asks whoever sits at the terminal; words say what is gone. nil, without an error, is no
// answer: three that cannot be read, or the end of the input. The list is then refused, as none of
// the answers may be taken for granted.
func askGone(out *cli.Console, words string) (*whole.Gone, error) {
	out.Note("%s\n%s", words, "  keep        biarkan / leave them\n"+
		"  retract     tarik kembali / they should never have been reported\n"+
		"  end:DATE    berakhir / first day not covered, such as end:2021-03-31")
	// It may read more than the line: nothing else reads standard input while somebody is asked.
	in := bufio.NewScanner(out.Stdin)
	for range 3 {
		_, _ = fmt.Fprint(out.Stderr, "keep, retract, end:DATE? ")
		if !in.Scan() {
			return nil, in.Err()
		}
		gone, err := parseGone(in.Text())
		if err == nil {
			return gone, nil
		}
		out.Note("%s", err)
	}
	return nil, nil
}
