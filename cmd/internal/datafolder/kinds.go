package datafolder

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cakupan/cmd/internal/access"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/index"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/pubsub"
	"cakupan/eventstore/tiles"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/vault/older"
)

// Kinds of files that no other package has a word for.
const (
	kindIdentity    = "identity of the ledger"
	kindKey         = "key"
	kindFrame       = "frame of the log"
	kindNote        = "signed head of the log"
	kindSuccessions = "successions of keys of checkpoints"
	kindSealed      = "sealed bytes"
	kindBackup      = "backup of a ledger"
	kindRest        = "note of what streams held when the ledger was last at rest"
	kindLock        = "lock: of the process that has the folder open"
	kindSocket      = "socket: for commands beside the running ledger"
	kindHalf        = "unfinished file of a process that ended"
	kindLookup      = "vault: its look-up table"
	kindAside       = "index: a run that was set aside"
	kindUnknown     = "unknown"
)

// kind is one kind of file: how to know one, by its name or by how it begins, and who can tell more
// about it. A kind without named or begins goes by the other alone.
type kind struct {
	named  func(name string) bool
	begins func(head []byte) bool // nil: any file of the name
	// Its error is one of the file system; what is wrong with the content is in the report.
	inspect func(path string) (inspect.Report, error)
}

// headSize is how much of a file is looked at to know it. More than any head has that tells a kind,
// and little enough to read of every file.
const headSize = 128

// kinds lists all, the surest first. The first that fits is asked, so a name that says what a file
// is comes before a beginning that only suggests it, and a longer beginning before a shorter one:
// each frame begins with CK, and so do other files.
func kinds() []kind {
	return []kind{
		{named: isNamed("ledger.json"), inspect: inspectIdentity},
		{named: isNamed("access.json"), inspect: access.Inspect},
		{named: isNamed("register.json"), inspect: access.InspectSeen},
		{named: isNamed("streams.json"), inspect: inspectRest},
		{named: isNamed("lock", "cakupan.lock", "access.lock"), inspect: nothing(kindLock)},
		{named: endsWith(".lock"), begins: isEmpty, inspect: nothing(kindLock)},
		// It may be half of any kind, and is of no use.
		{named: endsWith(".tmp"), inspect: nothing(kindHalf)},
		{named: endsWith(".damaged"), inspect: inspectAside},
		{named: endsWith(".key"), inspect: inspectKey},
		{named: endsWith(".key.new"), inspect: inspectKey},
		{named: older.IsFile, inspect: older.Inspect},
		{named: vault.IsState, inspect: vault.InspectState},
		{named: index.IsFile, inspect: inspectRun},
		{named: pubsub.IsPosition, inspect: pubsub.Inspect},
		{named: tiles.IsFile, inspect: tiles.Inspect},
		{named: isNamed("checkpoint.signed", "checkpoint.witnessed"), inspect: inspectNote},
		{named: isNamed("checkpoint.succession"), inspect: inspectSuccessions},
		{named: endsWith(".db"), inspect: inspectDatabase},
		// From here on by content alone, for files that were copied under another name.
		{begins: startsWith("CKIX"), inspect: index.Inspect},
		{begins: startsWith(backup.Magic), inspect: inspectBackup},
		{begins: startsWith("CKS"), inspect: inspectSealed},
		{begins: startsWith("CK"), inspect: inspectFrame},
		{begins: inspect.IsBolt, inspect: inspectDatabase},
	}
}

// isNamed knows files by their whole name.
func isNamed(names ...string) func(string) bool {
	return func(name string) bool {
		for _, one := range names {
			if name == one {
				return true
			}
		}
		return false
	}
}

// endsWith knows files by how their name ends.
func endsWith(suffix string) func(string) bool {
	return func(name string) bool { return strings.HasSuffix(name, suffix) }
}

// startsWith knows files by how they begin.
func startsWith(prefix string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }
}

// isEmpty knows files without a byte.
func isEmpty(head []byte) bool { return len(head) == 0 }

// inspectOne inspects a file, or the folder of a stream. Of a file of a stream it inspects the
// stream. The error is of the file system.
func inspectOne(path string) (inspect.Report, error) {
	if stream := streamOf(path); stream != "" {
		return inspectStream(stream)
	}
	info, err := os.Stat(path)
	if err != nil {
		return inspect.Report{}, err
	}
	if info.Mode().Type() == fs.ModeSocket {
		return inspect.New(path, kindSocket)
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return unknown(path)
	}
	// The only bytes that are read before it is known what the file is.
	head, err := readHead(path)
	if err != nil {
		return inspect.Report{}, err
	}
	// The base name alone counts: a file may have been copied anywhere.
	for _, k := range kinds() {
		if (k.named == nil || k.named(filepath.Base(path))) && (k.begins == nil || k.begins(head)) {
			return k.inspect(path)
		}
	}
	return unknown(path)
}

// unknown reports a file that is none of this program's.
func unknown(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindUnknown)
	r.Lower(inspect.Unknown)
	return r, err
}

// streamOf returns the folder of the stream that a path is, or is a file of; "" for others.
// Somebody may name any file in it. The path need not exist.
func streamOf(path string) string {
	if natsd.IsStream(path) {
		return path
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	for range 3 { // obs/NAME/file is the deepest
		if path = filepath.Dir(path); natsd.IsStream(path) {
			return path
		}
	}
	return ""
}

// readHead reads how a file begins, all of it where it is shorter than headSize.
func readHead(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(file, headSize))
	return head, errors.Join(err, file.Close())
}

// nothing returns who inspects files of which no byte counts. That they are there is all there is
// to tell.
func nothing(kind string) func(string) (inspect.Report, error) {
	return func(path string) (inspect.Report, error) { return inspect.New(path, kind) }
}
