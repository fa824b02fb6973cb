package access

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"cakupan/cmd/internal/access/register"
)

// usesEvery is how often it is noted who has logged in. Nobody needs to know it finer than a day,
// so a member is noted once a day at most.
const usesEvery = time.Hour

// loginEvery is how often a login of the same member from the same network is told.
const loginEvery = time.Hour

// toldMax bounds the logins that are remembered as told.
const toldMax = 8192

// uses is who has logged in and is not noted in the register yet, and which logins the operator's
// log has been told of. mu guards it.
type uses struct {
	mu      sync.Mutex
	pending map[string]time.Time // by name
	told    map[string]time.Time // by name and network
}

// dayOf returns the day since 1970 in UTC, 0 for no moment.
func dayOf(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix() / (24 * 60 * 60)
}

// used notes a login. It is called at each login and costs a comparison when the member was there
// today: only the first of several at once notes it.
func (r *Registry) used(m *record, remote string, now time.Time) {
	name := m.login.Name
	if today := dayOf(now); m.day.Load() != today && m.day.Swap(today) != today {
		r.uses.note(name, now.UTC().Truncate(time.Second))
	}
	if from := network(remote); r.uses.tell(name+" "+from, now) {
		r.log.Info("login", slog.String("name", name), slog.String("role", string(m.login.Role)),
			slog.String("network", from))
	}
}

// note keeps the moment until it is stored; a crash before that loses it.
func (u *uses) note(name string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending == nil {
		u.pending = map[string]time.Time{}
	}
	u.pending[name] = at
}

// tell tells whether a login is to be told of, and takes it for told. When too many are remembered
// all are forgotten, so some are told again.
func (u *uses) tell(who string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if at, told := u.told[who]; told && now.Sub(at) < loginEvery {
		return false
	}
	if u.told == nil || len(u.told) >= toldMax {
		u.told = map[string]time.Time{}
	}
	u.told[who] = now
	return true
}

// take returns who is not noted in the register yet, and forgets them.
func (u *uses) take() (pending map[string]time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	pending, u.pending = u.pending, nil
	return pending
}

// withUses returns members with those logins that are not noted in the register yet.
func (r *Registry) withUses(members []register.Member) []register.Member {
	r.uses.mu.Lock()
	defer r.uses.mu.Unlock()
	if len(r.uses.pending) == 0 {
		return members
	}
	members = slices.Clone(members)
	for i := range members {
		if at := r.uses.pending[members[i].Name]; at.After(members[i].UsedAt) {
			members[i].UsedAt = at
		}
	}
	return members
}

// NoteUses notes in the register who has logged in since the last time. What is lost by a crash
// before it is no more than when somebody was there.
func (r *Registry) NoteUses(ctx context.Context) {
	pending := r.uses.take()
	if len(pending) == 0 {
		return
	}
	err := r.edit(ctx, Account, func(now *register.Register) (register.Change, error) {
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(pending)), func(name string) bool {
			_, known := now.Find(name)
			return !known
		})
		return register.Change{Kind: register.Used, Names: names}, nil
	})
	if err != nil && ctx.Err() == nil {
		r.log.WarnContext(ctx, "who has logged in cannot be noted", slog.Any("error", err))
	}
}
