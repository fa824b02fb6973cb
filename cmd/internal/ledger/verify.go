package ledger

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cakupan/cmd/internal/datafolder"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/verify"
	"cakupan/projections"
)

// Verify checks all that the ledger is: each file of the folder, the whole log, and whether the
// projections say what a fresh fold of the log says. What is damaged and can be derived from the
// log is named, with what becomes of it; only the rest counts against the ledger.
//
// It reads everything twice and folds the log once for each projection: some ten seconds more for
// ten million events than the check of the log alone, which [Ledger.scrub] does. An error is of the
// check; what is wrong with the ledger is in the report. It may run while the ledger serves: what
// is appended meanwhile may or may not be looked at. progress is told of the log alone, and may be
// nil.
func (l *Ledger) Verify(ctx context.Context, progress Progress) (VerifyReport, error) {
	files, err := l.verifyFiles() // before anything heals
	if err != nil {
		return VerifyReport{}, err
	}
	// Before the log is read: what of it copies have otherwise is then read as it was stored.
	l.lookAtCopies(ctx, func() {})
	report, err := l.verifyLog(ctx, progress)
	if err != nil {
		return report, err
	}
	report.Copies = l.Copies()
	asked, err := l.verifyLookups(ctx)
	if err != nil {
		return report, err
	}
	refused, err := l.verifyRefused(ctx)
	if err != nil {
		return report, err
	}
	files = append(append(files, asked...), refused...)
	if report.OK { // else how far it must be is not known
		vault, err := l.verifyVault(ctx)
		if err != nil {
			return report, err
		}
		files = append(files, vault)
	}
	if l.server != nil && l.serving {
		l.lookAtNames(ctx)
	}
	if err := l.lostName(); err != nil {
		files = append(files, FileReport{
			Path: folder.NATS, Kind: "folder of the streams", State: string(inspect.Damaged),
			Findings: []string{problem.From(err).Detail},
		})
	}
	report.Files = files
	l.named(&report)
	for i := range report.Copies {
		report.OK = report.OK && !report.Copies[i].IsDisputed()
	}
	for i := range files {
		report.OK = report.OK && (files[i].Cache || !files[i].damaged())
	}
	if !report.OK {
		_ = l.suspected(problem.New(problem.LogDamaged, "verify has found it"))
		return report, nil // there is nothing to compare with
	}
	for _, name := range l.shelf.Names() {
		cache, err := l.verifyCache(ctx, name)
		if err != nil {
			return report, err
		}
		report.Caches = append(report.Caches, cache)
		report.OK = report.OK && (cache.Matches || cache.Why != "")
	}
	return report, nil
}

// verifyVault says how the vault's stream is: whether all of it can be opened and none is missing
// that the log has used, and whether each key whose check stands there is the ledger's own. Of
// several things that are wrong with the stream the first is named. What keeps it from being looked
// at is an error.
func (l *Ledger) verifyVault(ctx context.Context) (FileReport, error) {
	f := FileReport{Path: folder.Vault, Kind: kindVault, State: string(inspect.Whole)}
	v, err := l.openVault(ctx)
	if err == nil {
		err = folder.VaultError(l.folder.Dir, v.Audit(ctx))
	}
	var known *problem.Error
	if errors.As(err, &known) && slices.Contains([]problem.Code{
		problem.VaultLost, problem.FolderKeyLost, problem.FolderOtherLedger,
	}, known.Code) {
		f.State = string(inspect.Damaged)
		f.Findings = []string{known.Detail}
		return f, nil
	}
	if err != nil {
		return f, err
	}
	keys, err := l.Keys(ctx)
	for _, k := range wrongKeys(keys) {
		f.Findings = append(f.Findings, k.Problem)
	}
	if len(f.Findings) > 0 {
		f.State = string(inspect.Damaged)
	}
	return f, err
}

// kindVault is what the vault is to those who verify.
const kindVault = "vault: who is who, as the log has used it"

// damaged tells whether a file is not what was written, or another ledger's. One of a newer format
// is neither: this program does not judge it.
func (f *FileReport) damaged() bool {
	return f.State == string(inspect.Damaged) || f.State == string(inspect.Foreign)
}

// verifyFiles says what each file of the folder is and how it is. It reads the files beside their
// owners and mends nothing. Paths are those of the folder that was named, also where a copy is
// asked.
func (l *Ledger) verifyFiles() ([]FileReport, error) {
	in, err := datafolder.Inspect(l.source())
	if err != nil {
		return nil, err
	}
	files := []FileReport{}
	for _, r := range in.Files {
		path, err := filepath.Rel(l.source(), r.Path)
		if err != nil {
			path = r.Path
		}
		f := FileReport{
			Path: filepath.ToSlash(path), Kind: r.Kind, State: string(r.State),
			Findings: r.Findings,
		}
		// By where it stands, and not by what it holds: a damaged file does not say what it was.
		top, _, _ := strings.Cut(f.Path, "/")
		f.Cache = top == folder.Index || top == folder.Views || top == folder.Tiles ||
			top == registerFile || top == folder.RestFile ||
			datafolder.IsLookup(&r)
		switch {
		case f.Cache && r.State == inspect.Damaged:
			f.Remedy = "none is needed: it is made anew when it is read, or at the next start"
		case f.Cache && r.State == inspect.Foreign:
			f.Remedy = "put back the ledger's own, or delete it to have it made anew"
		}
		files = append(files, f)
	}
	return files, nil
}

// verifyCache compares a projection with a fresh fold of the log. One that is damaged is being
// built anew, which is not against it. Both digests are as of the same event, since the projection
// may go on meanwhile.
func (l *Ledger) verifyCache(ctx context.Context, name string) (c CacheReport, err error) {
	c.Projection = name
	kept, err := l.kept(ctx, name, 0)
	if err == nil {
		c.Sequence, _ = kept.Applied()
		c.Digest, err = kept.Digest(c.Sequence)
	}
	if errors.Is(err, projections.ErrDamaged) {
		c.Why = "its file is damaged and is being built anew from the log"
		return c, nil
	}
	if err != nil {
		return c, err
	}
	digest := ""
	err = l.withFresh(ctx, name, func(fresh projections.Kept) (err error) {
		digest, err = fresh.FoldDigest(ctx, c.Sequence, nil)
		return err
	})
	if c.Matches = digest == c.Digest; err == nil && !c.Matches {
		l.opts.Log.ErrorContext(ctx, "projection differs from a fresh fold of the log",
			slog.String("projection", name), slog.Uint64("events", uint64(c.Sequence)))
	}
	return c, err
}

// withFresh has an empty projection used, in a file of its own, and removes it. The file is beside
// the live one and is never shown. If we crash before it is removed, the next start sweeps it away.
// The time in its name keeps two of them apart.
func (l *Ledger) withFresh(ctx context.Context, name string, use func(projections.Kept) error,
) (err error) {
	fresh, err := l.shelf.Rebuild(ctx, name, strconv.FormatInt(time.Now().UnixNano(), 10))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fresh.Remove()) }()
	return use(fresh)
}

// witnesses tell how long the log once was. Each is a cache that has seen so much: a log that ends
// before was cut, or is an older copy (contract, section 10). None is believed about more than
// that.
func (l *Ledger) witnesses() (witnesses []verify.Witness) {
	seen := func(name string, seq eventstore.Sequence) {
		if seq > 0 {
			witnesses = append(witnesses, verify.Witness{Name: name, Sequence: seq})
		}
	}
	if open := l.appending.Load(); open != nil {
		seen("index", open.index.Last())
	}
	for _, state := range l.shelf.States() {
		seen("projection "+state.Name, state.Applied)
	}
	stored, _ := l.shelf.Stored() // a file that cannot be read is no witness
	for _, name := range l.shelf.Names() {
		seen("projection "+name, stored[name].Sequence)
	}
	return append(witnesses, l.prover.SignedWitness()...)
}

// verifyLog reads and checks the whole log. A log whose end cannot be read for damage is checked
// all the same, up to there.
func (l *Ledger) verifyLog(ctx context.Context, progress Progress,
) (VerifyReport, error) {
	_, tail, err := l.log.Last(ctx)
	var damage *eventstore.DamageError
	if err != nil && !errors.As(err, &damage) {
		return VerifyReport{}, err
	}
	var decoded event.Event
	report, err := verify.Check(ctx, l.log, verify.Options{
		Decode: func(r eventstore.Record) error {
			_, err := codec.Decode(r.Event, &decoded)
			return err
		},
		Witnesses: l.witnesses(),
		Progress: func(p verify.Progress) {
			if progress != nil {
				// It may have grown since the end was asked for.
				progress(p.Sequence, max(tail.Sequence, p.Sequence))
			}
		},
	})
	if err != nil {
		return VerifyReport{}, err
	}
	return ReportOf(&report), nil
}

// ReportOf returns what a check of a log has found, for who has asked.
func ReportOf(report *verify.Report) VerifyReport {
	result := VerifyReport{
		OK: report.OK(), Events: report.Last, Frames: report.Frames,
		Root: report.Root.String(), Findings: []Finding{},
		Files: []FileReport{}, Caches: []CacheReport{}, Copies: []CopyReport{},
	}
	for _, f := range report.Findings {
		result.Findings = append(result.Findings,
			Finding{From: f.From, To: f.To, What: f.What})
	}
	return result
}
