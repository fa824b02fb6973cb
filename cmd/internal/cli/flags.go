package cli

import (
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/problem"
)

// loginBytesMax bounds a file with the addresses of a cluster, in bytes: what is longer is no such
// file, and is read no further.
const loginBytesMax = 64 << 10

// LoginOrFile reads a flag that may hold a password: the command line of a process can be seen by
// every user of its machine, so @FILE takes what the file has. Spaces and ends of lines around that
// are no part of it. It is called while the command line is read, so its errors come before
// anything is done; none of them shows what the file has.
func LoginOrFile(ctx *kong.DecodeContext, target reflect.Value) error {
	var value string
	if err := ctx.Scan.PopValueInto("url", &value); err != nil {
		return err
	}
	path, isFile := strings.CutPrefix(value, "@")
	if !isFile {
		target.SetString(value)
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return problem.Wrap(problem.FileNotReadable, "the file with the login cannot be read", err)
	}
	// It was read alone: closing it can lose nothing.
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, loginBytesMax+1))
	switch {
	case err != nil:
		return problem.Wrap(problem.FileNotReadable, "the file with the login cannot be read", err)
	case len(raw) > loginBytesMax: // cut, it would name fewer servers, or half of one
		return Usage(path + " is longer than 64 KiB, and so no file with a login")
	}
	value = strings.TrimSpace(string(raw))
	if value == "" {
		return Usage(path + " has no address of a cluster")
	}
	target.SetString(value)
	return nil
}

// IsReplicas tells whether so many servers may keep a stream; 0: as many as the cluster allows. An
// even number survives no more failures than the odd one below it.
func IsReplicas(n int) bool { return n == 0 || n == 1 || n == 3 || n == 5 }

// TrueOrNothing returns the value of a flag in a query: one that is not set is left out, since an
// older server refuses parameters that it does not know.
func TrueOrNothing(set bool) string {
	if set {
		return "true"
	}
	return ""
}
