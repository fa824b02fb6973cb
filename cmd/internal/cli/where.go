package cli

import (
	"context"
	"errors"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
)

// Where names a ledger, and how to answer about it. Every command has these flags. At most one of
// Data and Server is given. SecretFile goes with Server; without it the secret is in the
// environment, and never in a flag, which others on the machine could read.
type Where struct {
	Data   string `type:"folder" placeholder:"DIR" help:"Folder of the ledger (default: ${data})."`
	Server string `placeholder:"URL" help:"${server}"`
	JSON   bool   `name:"json" help:"Answer in JSON, for machines."`

	SecretFile string `placeholder:"FILE" help:"${secretFile}"`

	// AnyClock is of a command that was told so; see [ledger.Options]. It is no flag of them all.
	AnyClock bool `kong:"-"`
}

// DataDefault is the folder of the ledger unless one is named. It is below the current folder:
// nothing is found, or made, where nobody has looked.
const DataDefault = "./cakupan-data"

// Folder returns the data folder to use.
func (w *Where) Folder() string {
	if w.Data == "" {
		return DataDefault
	}
	return w.Data
}

// open opens the ledger to be asked. create says whether to make one where there is none: only
// those commands may that bring events, or a mistyped folder would answer every question with
// nothing. The caller closes the client. A folder is locked until then: one that a server has open
// is refused, with where that answers.
func (w *Where) open(ctx context.Context, out *Console, create bool) (*client.Client, error) {
	if w.Server != "" {
		return client.Dial(ctx, w.Server, w.SecretFile, out.Note)
	}
	if w.SecretFile != "" {
		return nil, Usage("--secret-file is for a server: name one with --server")
	}
	l, err := ledger.Open(ctx, ledger.Options{
		Dir: w.Folder(), Create: create, Log: out.warnings(),
		AnyClock: w.AnyClock,
	})
	return w.client(l, out, err)
}

// client returns a client of a ledger that was opened, and passes an error on.
func (*Where) client(l *ledger.Ledger, out *Console, err error) (*client.Client, error) {
	if err != nil {
		return nil, err
	}
	return client.Open(l, httpapi.Config{Now: out.Now, Log: out.Logger()}), nil
}

// Reading opens the ledger for one job that only asks, and closes it after. A folder may then be
// one that cannot be written, or that is in use: a copy of it is asked, which takes room and time,
// so that is told. What job does to it is lost with the copy; so it is not for what must be
// recorded.
func (w *Where) Reading(ctx context.Context, out *Console, job func(*client.Client) error) error {
	if w.Server != "" || w.SecretFile != "" {
		return w.With(ctx, out, false, job)
	}
	l, err := ledger.OpenToRead(ctx, ledger.Options{Dir: w.Folder(), Log: out.warnings()},
		func(words string) { out.Note("%s", words) })
	s, err := w.client(l, out, err)
	if err != nil {
		return err
	}
	return errors.Join(job(s), s.Close())
}

// With opens the ledger for one job and closes it after, also where the job fails. Both errors are
// told. What job has appended is durable by then, whatever closing says.
func (w *Where) With(
	ctx context.Context, out *Console, create bool, job func(*client.Client) error,
) error {
	s, err := w.open(ctx, out, create)
	if err != nil {
		return err
	}
	return errors.Join(job(s), s.Close())
}

// Asking opens the ledger for a job that asks, by NIK if one is given: who asks so is recorded,
// which can only be where the ledger can be written.
func (w *Where) Asking(ctx context.Context, out *Console, nik string,
	job func(*client.Client) error,
) error {
	if nik != "" {
		return w.With(ctx, out, false, job)
	}
	return w.Reading(ctx, out, job)
}

// NotServer refuses a server where the folder is wanted.
func (w *Where) NotServer() error {
	if w.Server == "" && w.SecretFile == "" {
		return nil
	}
	return Usage("this is for the owner of the ledger's folder, on its machine, also while it" +
		" runs there: instead of --server name the folder, such as --data /var/lib/cakupan")
}
