package ledger

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/vault"
)

// nobodys is an event about the person with an invented number: the serial number 9999 is nobody's.
func nobodys(n int) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","source":"urn:test:vault","id":"p%d",`+
		`"type":"id.cakupan.enrolment.opened.v1","datacontenttype":"application/json","data":{`+
		`"enrolment":"e%d","nik":"750301%02d%02d%02d9999","region":"75.03","segment":"BPU",`+
		`"category":"OTHER","programmes":["JKK"],"payer":"SELF","from":"2024-01-01"}}`,
		n, n, 1+n%28, 1+n/28%12, n/336%100)
}

// personsOf enrols persons, and returns their worker ids as the log has them.
func submitPersons(t *testing.T, dir string, from, until int) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for n := from; n < until; n++ {
		lines = append(lines, nobodys(n))
	}
	receipts, err := l.Submit(t.Context(), lines, intake.Options{})
	for _, r := range receipts {
		if r.Refusal != nil {
			t.Fatal(r.Refusal)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLogWorkers: what an old vault is compared with has each worker id of the log, also one that
// an event names as the person that another one is.
func TestLogWorkers(t *testing.T) {
	l, err := Open(t.Context(), Options{Dir: t.TempDir() + "/data", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	line := func(id, kind, data string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","source":"urn:x","id":%q,`+
			`"type":"id.cakupan.%s.v1","data":{%s}}`, id, kind, data)
	}
	receipts, err := l.Submit(t.Context(), [][]byte{
		line("1", "enrolment.opened", `"enrolment":"e","worker":"w1","region":"75.03",`+
			`"segment":"PU","category":"PRIVATE","programmes":["JKK"],"payer":"EMPLOYER",`+
			`"from":"2020-01-01"`),
		line("2", "worker.merged", `"worker":"w1","into":"w2"`),
		line("3", "target.set", `"region":"75","sector":"ALL","percent":"60","from":"2020-01-01"`),
	}, intake.Options{})
	for _, r := range receipts {
		if r.Refusal != nil {
			t.Fatal(r.Refusal)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	err = l.logWorkers()(t.Context(), func(worker string) { named[worker] = true })
	delete(named, "") // of an event about nobody, which is no id that a vault gives out
	if err != nil || len(named) != 2 || !named["w1"] || !named["w2"] {
		t.Errorf("%v, %v", named, err)
	}
}

// workersOf returns how many workers the vault has, after it has been asked for everybody again:
// nobody may get a second id.
func workersOf(t *testing.T, dir string, persons int) (workers uint64, err error) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	var lines [][]byte
	for n := range persons {
		lines = append(lines, nobodys(n))
	}
	receipts, err := l.Submit(t.Context(), lines, intake.Options{})
	if err != nil {
		return 0, err
	}
	for _, r := range receipts {
		if r.Refusal != nil { // the same event with another worker would be a conflict
			t.Error(r.Refusal)
		}
	}
	return l.vault.Workers(), nil
}

// streamFolder is the folder of the vault's stream in a data folder.
func streamFolder(dir string) string {
	return filepath.Join(dir, folder.NATS, "jetstream", "$G", "streams", vault.StreamName)
}

// TestVaultDamage spoils the vault in every way of the trials. Nobody is ever counted twice: the
// ledger heals, or refuses to take anything in, and verify says so.
func TestVaultDamage(t *testing.T) {
	const persons = 30
	root := t.TempDir()
	ours, young, theirs := root+"/ours", root+"/young", root+"/theirs"
	submitPersons(t, ours, 0, persons/2)
	copyFolder(t, ours, young)
	submitPersons(t, ours, persons/2, persons)
	submitPersons(t, theirs, 0, 5)
	replace := func(t *testing.T, from, dir, part string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(dir, part)); err != nil {
			t.Fatal(err)
		}
		if from != "" {
			copyFolder(t, filepath.Join(from, part), filepath.Join(dir, part))
		}
	}
	stream, err := filepath.Rel(ours, streamFolder(ours))
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(folder.Vault, folder.VaultKeyFile)
	setKey := func(t *testing.T, dir string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, key), content, folder.FileMode); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, dir string)
		code  problem.Code // "": it heals
		want  string       // in what it says
	}{
		"nothing":             {func(*testing.T, string) {}, "", ""},
		"no vault folder":     {func(t *testing.T, dir string) { replace(t, "", dir, folder.Vault) }, problem.FolderKeyLost, "vault.key is missing: put it back from its backup"},
		"yesterday's folder":  {func(t *testing.T, dir string) { replace(t, young, dir, folder.Vault) }, "", ""},
		"another's folder":    {func(t *testing.T, dir string) { replace(t, theirs, dir, folder.Vault) }, problem.FolderKeyLost, "is not the key of this ledger"},
		"no stream":           {func(t *testing.T, dir string) { replace(t, "", dir, stream) }, problem.VaultLost, "the log has events, and its vault is missing"},
		"yesterday's stream":  {func(t *testing.T, dir string) { replace(t, young, dir, stream) }, problem.VaultLost, "is an old copy: it has 2 records"},
		"another's stream":    {func(t *testing.T, dir string) { replace(t, theirs, dir, stream) }, problem.FolderOtherLedger, "belongs to another ledger"},
		"yesterday's of both": {func(t *testing.T, dir string) { replace(t, young, dir, stream); replace(t, young, dir, folder.Vault) }, problem.VaultLost, "is an old copy"},
		"zeroed key":          {func(t *testing.T, dir string) { setKey(t, dir, make([]byte, 32)) }, problem.FolderKeyLost, "vault.key is damaged"},
		"short key":           {func(t *testing.T, dir string) { setKey(t, dir, []byte("short")) }, problem.FolderKeyLost, "vault.key is damaged"},
		"another key": {func(t *testing.T, dir string) {
			text, err := os.ReadFile(filepath.Join(theirs, key))
			if err != nil {
				t.Fatal(err)
			}
			setKey(t, dir, text)
		}, problem.FolderKeyLost, "is not the key of this ledger"},
		"no cache": {func(t *testing.T, dir string) {
			caches, err := filepath.Glob(filepath.Join(dir, folder.Vault, "lookup*"))
			for _, cache := range caches {
				if err == nil {
					err = os.RemoveAll(cache)
				}
			}
			if err != nil || len(caches) == 0 {
				t.Fatal(caches, err)
			}
		}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			copyFolder(t, ours, dir)
			test.spoil(t, dir)
			workers, err := workersOf(t, dir, persons)
			if test.code == "" {
				if err != nil || workers != persons {
					t.Errorf("%d workers, %v", workers, err)
				}
			} else if p := problem.From(err); p == nil || p.Code != test.code ||
				!strings.Contains(p.Detail, test.want) {
				t.Errorf("taken in: %v", err)
			}
			checkVaultVerified(t, dir, test.code == "", test.want)
		})
	}
}

// checkVaultVerified asks verify, and serve, what they say.
func checkVaultVerified(t *testing.T, dir string, sound bool, want string) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	report, err := l.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.OK != sound || !strings.Contains(fmt.Sprint(report.Files), want) {
		t.Errorf("verified: ok %t, %+v", report.OK, report.Files)
	}
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", 1<<40); (err == nil) != sound {
		t.Errorf("served: %v", err)
	}
}

// TestVaultBits turns one bit somewhere in the files of the vault, again and again: everybody is who
// he was, or the ledger refuses.
func TestVaultBits(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	const persons = 12
	ours := filepath.Join(t.TempDir(), "data")
	for n := range 4 { // packs
		submitPersons(t, ours, n*3, n*3+3)
	}
	var files []string
	for _, folder := range []string{filepath.Join(ours, folder.Vault), streamFolder(ours)} {
		err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tries := 3
	if os.Getenv("CAKUPAN_LONG") != "" {
		tries = 60
	}
	random := rand.New(rand.NewPCG(1, 2))
	healed, refused := 0, 0
	for _, file := range files {
		for range tries {
			dir := filepath.Join(t.TempDir(), "data")
			copyFolder(t, ours, dir)
			path := strings.Replace(file, ours, dir, 1)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bit := random.IntN(8 * len(content))
			content[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(path, content, folder.FileMode); err != nil {
				t.Fatal(err)
			}
			workers, err := workersOf(t, dir, persons)
			switch {
			case err == nil && workers == persons:
				healed++
			case err == nil:
				t.Errorf("bit %d of %s: %d workers", bit, file, workers)
			case problem.From(err).Code == problem.Internal:
				t.Errorf("bit %d of %s: %v", bit, file, err)
			default:
				refused++
			}
		}
	}
	if healed == 0 || refused == 0 {
		t.Errorf("%d healed, %d refused", healed, refused)
	}
	t.Logf("%d files: %d healed, %d refused", len(files), healed, refused)
}

// TestVaultOfCluster opens a second data folder on a cluster: without the first one's keys, or with
// others, it takes nothing in; with copies of them the same person is the same worker.
func TestVaultOfCluster(t *testing.T) {
	url := startNATS(t)
	root := t.TempDir()
	submitTo := func(dir string) error {
		l, err := Open(t.Context(), Options{Dir: dir, Create: true, NATS: url, Replicas: 1})
		if err != nil {
			return err
		}
		defer func() { _ = l.Close() }()
		receipts, err := l.Submit(t.Context(), [][]byte{nobodys(1)}, intake.Options{})
		if err == nil && receipts[0].Refusal != nil {
			err = receipts[0].Refusal
		}
		if err == nil && l.vault.Workers() != 1 {
			t.Errorf("%d workers", l.vault.Workers())
		}
		return err
	}
	if err := submitTo(root + "/first"); err != nil {
		t.Fatal(err)
	}
	second, other := root+"/second", root+"/other"
	submitPersons(t, other, 0, 1) // a ledger of its own, with a key of its own
	for _, spoil := range []func(){func() {}, func() { copyKeys(t, other, second) }} {
		spoil()
		if p := problem.From(submitTo(second)); p == nil || p.Code != problem.FolderKeyLost {
			t.Errorf("without the key: %v", p)
		}
	}
	copyKeys(t, root+"/first", second)
	if err := submitTo(second); err != nil {
		t.Errorf("with the key: %v", err)
	}
}

// TestKeyChangedElsewhere changes the vault's key of a ledger of which another one on the same
// cluster stands by: that one says that it could not take over, and could again as soon as the new
// key is in its folder, without a restart.
func TestKeyChangedElsewhere(t *testing.T) {
	url, root := startNATS(t), t.TempDir()
	open := func(dir string) *Ledger {
		l, err := Open(t.Context(), Options{Dir: dir, Create: true, NATS: url, Replicas: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		return l
	}
	first := open(root + "/first")
	submit(t, first, [][]byte{nobodys(1)})
	copyKeys(t, root+"/first", root+"/second")
	second := open(root + "/second")
	follow := func(want problem.Code) {
		t.Helper()
		if err := (role{second}).FollowVault(t.Context()); want == "" && err != nil ||
			want != "" && problem.From(err).Code != want {
			t.Errorf("it follows the vault: %v, want %q", err, want)
		}
	}
	follow("")
	if err := first.RotateKey(t.Context(), "vault"); err != nil {
		t.Fatal(err)
	}
	submit(t, first, [][]byte{nobodys(2)})
	keys, err := second.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if wrong := filepath.Base(k.File) == folder.VaultKeyFile; k.OK == wrong {
			t.Errorf("%+v", k)
		}
	}
	if _, err := (role{second}).TakeUp(t.Context()); problem.From(err).Code != problem.FolderKeyLost {
		t.Errorf("it takes over: %v", err)
	}
	(role{second}).LayDown()
	follow(problem.FolderKeyLost)
	follow(problem.FolderKeyLost)
	copyKeys(t, root+"/first", root+"/second")
	follow("")
	follow("")
}
