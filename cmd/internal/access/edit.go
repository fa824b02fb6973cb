package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/eventstore/packs"
)

// Add registers a member and returns its secret, which nobody can find out again. Of the member it
// takes name, role, scope and when the secret expires. A name that is or was in the register is
// refused, and so are sources that overlap with another publisher's. by is who asks for it. The
// secret counts only where the error is nil. With [problem.LogUnavailable] it is not known whether
// the member was added; nobody has the secret then, and to rotate it helps.
func (r *Registry) Add(
	ctx context.Context, by string, m register.Member,
) (secret string, err error) {
	slices.Sort(m.Types)
	m = register.Member{
		Name: m.Name, Role: m.Role, Sources: m.Sources, Regions: m.Regions, Types: m.Types,
		ExpiresAt: m.ExpiresAt, CreatedAt: r.moment(),
	}
	secret, m.Secret = newSecret()
	if defect := m.Defect(); defect != "" {
		return "", problem.New(problem.UsageWrong, defect)
	}
	if err := r.checkExpiry(m.ExpiresAt); err != nil {
		return "", err
	}
	return secret, r.edit(ctx, by, func(now *register.Register) (register.Change, error) {
		is, taken := now.Find(m.Name)
		switch {
		case taken && !is.RevokedAt.IsZero():
			return register.Change{}, problem.New(problem.UsageWrong, m.Name+" was "+
				string(is.Role)+" and is revoked: events keep the name, so nobody else may have"+
				" it. Take another one, such as "+m.Name+"-2")
		case taken:
			return register.Change{}, problem.New(problem.UsageWrong, m.Name+" is "+
				string(is.Role)+" already: to get a new secret, rotate it")
		case len(now.Members()) >= register.MembersMax:
			return register.Change{}, problem.New(problem.UsageWrong, fmt.Sprintf(
				"the register has %d members already, and holds no more", register.MembersMax))
		}
		err := checkSources(now, &m)
		return register.Change{
			Kind: register.Added, At: m.CreatedAt, Members: []register.Member{m},
		}, err
	})
}

// Rotate gives a member a new secret and returns it; the old one is worth nothing from then on.
// expires is when the new one will be, zero for never. roles says which members are meant.
// Connections that are open are ended by whoever watches the register.
func (r *Registry) Rotate(
	ctx context.Context, by, name string, expires time.Time, roles ...register.Role,
) (secret string, err error) {
	secret, digest := newSecret()
	if err := r.checkExpiry(expires); err != nil {
		return "", err
	}
	return secret, r.edit(ctx, by, func(now *register.Register) (register.Change, error) {
		_, err := pick(now, name, roles)
		return register.Change{
			Kind: register.Rotated, Name: name, Secret: digest, ExpiresAt: expires,
		}, err
	})
}

// NewScope is what is to be changed of a member's: what is nil stays.
type NewScope struct {
	Sources []string
	Regions []region.Code
	Types   []event.Type
}

// Change gives a member another scope. Who has logged in must do so again. Sources, regions and
// types that are given take the place of the old ones; they are not added.
func (r *Registry) Change(
	ctx context.Context, by, name string, to NewScope, roles ...register.Role,
) error {
	return r.edit(ctx, by, func(now *register.Register) (register.Change, error) {
		is, err := pick(now, name, roles)
		if err != nil {
			return register.Change{}, err
		}
		m := register.Member{
			Name: is.Name, Role: is.Role, Secret: is.Secret, CreatedAt: is.CreatedAt,
			Sources: is.Sources, Regions: is.Regions, Types: is.Types,
		}
		if to.Sources != nil {
			m.Sources = to.Sources
		}
		if to.Regions != nil {
			m.Regions = to.Regions
		}
		if to.Types != nil {
			m.Types = slices.Sorted(slices.Values(to.Types))
		}
		if defect := m.Defect(); defect != "" {
			return register.Change{}, problem.New(problem.UsageWrong, defect)
		}
		err = checkSources(now, &m)
		return register.Change{
			Kind: register.Changed, Name: name, Members: []register.Member{m},
		}, err
	})
}

// Revoke ends a membership, for ever. roles, one or more, says which members are meant. Whoever has
// logged in is let go on by nobody who asks [Registry.Current].
func (r *Registry) Revoke(
	ctx context.Context, by, name string, roles ...register.Role,
) error {
	return r.edit(ctx, by, func(now *register.Register) (register.Change, error) {
		_, err := pick(now, name, roles)
		return register.Change{Kind: register.Revoked, Name: name}, err
	})
}

// pick returns a member of one of the roles that is not revoked. The name comes from a command
// line, where people also type what is none: it is masked.
func pick(now *register.Register, name string, roles []register.Role) (register.Member, error) {
	m, known := now.Find(name)
	switch {
	case !known:
		return m, problem.New(problem.NotFound, fmt.Sprintf("nobody in the register is called %q",
			event.MaskNIK(name)))
	case !slices.Contains(roles, m.Role):
		return m, problem.New(problem.NotFound, fmt.Sprintf("%s is no %s: its role is %s", name,
			roles[0], m.Role))
	case !m.RevokedAt.IsZero():
		return m, problem.New(problem.UsageWrong, name+" was revoked at "+
			m.RevokedAt.Format(time.RFC3339)+", and that is for ever")
	}
	return m, nil
}

// checkSources refuses sources under which another publisher reports: each of the two could take
// back what the other said. One that is revoked reports nothing any more.
func checkSources(now *register.Register, m *register.Member) error {
	for _, own := range m.Sources {
		if flaw := event.SourceFlaw(own); flaw != "" {
			return problem.New(problem.UsageWrong, "the source "+own+" "+flaw+": it could be"+
				" written in another way, which would be another source: name it plainly")
		}
		if event.SourceIsReserved(own) {
			return problem.New(problem.UsageWrong, "the source "+own+" is for the ledger itself,"+
				" and for those who take back what others reported: name another one")
		}
		for _, other := range now.Members() {
			if other.Name == m.Name || !other.RevokedAt.IsZero() {
				continue
			}
			for _, theirs := range other.Sources {
				if event.SourcesOverlap(own, theirs) {
					return problem.New(problem.UsageWrong, fmt.Sprintf("the source %s overlaps"+
						" with %s, which is %s's: give each publisher sources of its own", own,
						theirs, other.Name))
				}
			}
		}
	}
	return nil
}

// checkExpiry refuses a secret that would be worth nothing from the beginning.
func (r *Registry) checkExpiry(at time.Time) error {
	if at.IsZero() || at.After(r.now()) {
		return nil
	}
	return problem.New(problem.UsageWrong, "a secret that expires at "+at.Format(time.RFC3339)+
		" would be worth nothing now: name a moment to come")
}

// moment returns the time as the register holds it.
func (r *Registry) moment() time.Time { return r.now().UTC().Truncate(time.Second) }

// edit makes a change: no other one comes between what decide was shown and what it decided. It may
// be asked several times, as others change the register too. What it returns is given the moment
// and who asked for it.
//
// If we crash before the record is stored, the register is the old one; if we crash after, it is
// the new one, with a secret that nobody was told: to rotate it helps.
func (r *Registry) edit(
	ctx context.Context, by string, decide func(*register.Register) (register.Change, error),
) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if err := r.catchUp(ctx, false); err != nil {
			return words(err)
		}
		if r.folded.Taking() != nil {
			return errHalfTaken
		}
		change, err := decide(&r.folded)
		if err != nil {
			return err
		}
		change.By = register.CleanAccount(by)
		if change.At.IsZero() {
			change.At = r.moment()
		}
		err = r.append(ctx, &change)
		// Another ledger of the cluster has made a change in between: what was decided may be wrong
		// now.
		if !errors.Is(err, eventstore.ErrFenced) {
			return words(err)
		}
	}
}

// append stores a change as the next one, and folds it. The caller holds mu. With
// [eventstore.ErrFenced] nothing was stored. After any other error of the stream it may be: the
// next catch-up finds it.
func (r *Registry) append(ctx context.Context, change *register.Change) error {
	raw, err := change.Encode()
	if err != nil {
		return err
	}
	if err := r.openStream(ctx, true); err != nil {
		return err
	}
	end, err := r.stream.Append(ctx, raw, r.end)
	if err != nil {
		return fmt.Errorf("change register: %w", err)
	}
	// The record is stored: from here on it counts, whatever else fails.
	rec := packs.Record{Number: end.Number, Data: raw}
	if err := r.enter(&rec); err != nil {
		r.fail(err)
		return err
	}
	r.end = end
	r.publish()
	r.note()
	r.tell(&rec)
	return nil
}
