package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"strings"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
)

// ReadNIK returns the NIK of a flag, or of standard input for "-": what is on a command line others
// may see. What is no NIK is refused without being repeated, and no ledger is asked for it.
func ReadNIK(flag string, out *Console) (string, error) {
	nik := flag
	if flag == "-" {
		// A NIK has 16 digits: 64 bytes have room for spaces around it, and no more is read of a
		// file that was named by mistake.
		line, err := bufio.NewReader(io.LimitReader(out.Stdin, 64)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		nik = strings.TrimSpace(line)
	}
	return nik, ledger.CheckNIK(nik)
}

// lookUp asks a ledger for the worker of a NIK, which is recorded there before it is answered, also
// where nobody is found: that is an error, exit 4. The NIK goes in a body, since addresses are
// written to logs.
func lookUp(ctx context.Context, s *client.Client, nik string) (string, error) {
	body, err := json.Marshal(httpapi.LookupAsked{NIK: nik})
	if err != nil {
		return "", err
	}
	var found httpapi.LookupFound
	err = s.PostBody(ctx, "/v1/lookups", bytes.NewReader(body), &found)
	return found.Worker, err
}

// SetWorker puts the worker with a NIK, if one is given, into a query. nik is as the flag has it, -
// for standard input. The NIK itself is in no query. query may be nil where nik is "".
func SetWorker(ctx context.Context, s *client.Client, out *Console, nik string, query url.Values,
) error {
	if nik == "" {
		return nil
	}
	// Two persons, or one named twice: nobody can say which.
	if query.Has("worker") {
		return Usage("name the person by --nik or by --worker")
	}
	nik, err := ReadNIK(nik, out)
	if err != nil {
		return err
	}
	// With an error the query is not asked, whatever stands in it.
	worker, err := lookUp(ctx, s, nik)
	query.Set("worker", worker)
	return err
}
