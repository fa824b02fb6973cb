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

// kind is one kind of file: how to know one, by its name or by how it begins, and who can tell
// more about it.
type kind struct {
	named   func(name string) bool
	begins  func(head []byte) bool // nil: any file of the name
	inspect func(path string) (inspect.Report, error)
}

// headSize is how much of a file is looked at to know it.
const headSize = 128

// kinds lists all, the surest first.
func kinds() []kind {
	return []kind{
		{named: isNamed("ledger.json"), inspect: inspectIdentity},
		{named: isNamed("access.json"), inspect: access.Inspect},
		{named: isNamed("register.json"), inspect: access.InspectSeen},
		{named: isNamed("streams.json"), inspect: inspectRest},
		{named: isNamed("lock", "cakupan.lock", "access.lock"), inspect: nothing(kindLock)},
		{named: endsWith(".lock"), begins: isEmpty, inspect: nothing(kindLock)},
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
		{begins: startsWith("CKIX"), inspect: index.Inspect},
		{begins: startsWith(backup.Magic), inspect: inspectBackup},
		{begins: startsWith("CKS"), inspect: inspectSealed},
		{begins: startsWith("CK"), inspect: inspectFrame},
		{begins: inspect.IsBolt, inspect: inspectDatabase},
	}
}

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

func endsWith(suffix string) func(string) bool {
	return func(name string) bool { return strings.HasSuffix(name, suffix) }
}

func startsWith(prefix string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }
}

func isEmpty(head []byte) bool { return len(head) == 0 }

// inspectOne inspects a file, or the folder of a stream.
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
	head, err := readHead(path)
	if err != nil {
		return inspect.Report{}, err
	}
	for _, k := range kinds() {
		if (k.named == nil || k.named(filepath.Base(path))) && (k.begins == nil || k.begins(head)) {
			return k.inspect(path)
		}
	}
	return unknown(path)
}

func unknown(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindUnknown)
	r.Lower(inspect.Unknown)
	return r, err
}

// streamOf returns the folder of the stream that a path is, or is a file of; "" for others.
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

func readHead(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	head, err := io.ReadAll(io.LimitReader(file, headSize))
	return head, errors.Join(err, file.Close())
}

// nothing returns who inspects files of which no byte counts.
func nothing(kind string) func(string) (inspect.Report, error) {
	return func(path string) (inspect.Report, error) { return inspect.New(path, kind) }
}
