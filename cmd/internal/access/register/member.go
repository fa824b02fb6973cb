package register

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/region"
)

// Role is what a member is to the ledger. The texts are persisted.
type Role string

// The roles. What each may do is said where it is asked.
const (
	Publisher Role = "publisher" // reports events within its scope, and reads nothing
	Auditor   Role = "auditor"   // reads everything but the vault, and reports nothing
	Dashboard Role = "dashboard" // reads the coverage alone
	Steward   Role = "steward"   // sets right what others reported, within its regions
	Operator  Role = "operator"  // acts for whoever runs the ledger
)

// Roles lists all.
func Roles() []Role { return []Role{Publisher, Auditor, Dashboard, Steward, Operator} }

// The bounds of a register.
const (
	// MembersMax is every office of every regency some times over. The revoked count too.
	MembersMax  = 10_000
	sourcesMax  = 64
	sourceBytes = 256
	byBytesMax  = 64
)

// Member is somebody of the register. It holds no secret. UsedAt alone is in no member of a change:
// it follows from changes of the kind [Used].
type Member struct {
	Name string // as [event.CheckPublisher] wants it, for readers too
	Role Role

	// What a publisher may report; see [event.Scope]. A steward has regions alone, all others
	// nothing. They are shared, and must not be changed.
	Sources []string
	Regions []region.Code
	Types   []event.Type

	Secret    Digest    // of the present secret
	ExpiresAt time.Time // when that is worth nothing any more; zero: never

	CreatedAt time.Time
	RotatedAt time.Time // when it got its present secret; zero when that is the first one
	// RevokedAt is when it ceased to be a member; zero when it is one. The name stays taken,
	// because events carry it.
	RevokedAt time.Time
	// UsedAt is about when it last logged in; zero: never, or not noted yet.
	UsedAt time.Time
}

// Active tells whether the member is one, and its secret is worth something at a moment. Expiry is
// half-open: at the moment itself the secret is worth nothing.
func (m *Member) Active(now time.Time) bool { return m.RevokedAt.IsZero() && !m.Expired(now) }

// Expired tells whether the member's secret has expired at a moment.
func (m *Member) Expired(now time.Time) bool {
	return !m.ExpiresAt.IsZero() && !now.Before(m.ExpiresAt)
}

// Scope returns what a publisher may report; nil for all others, who may report nothing. It shares
// its lists with the member.
func (m *Member) Scope() *event.Scope {
	if m.Role != Publisher {
		return nil
	}
	return &event.Scope{
		Publisher: m.Name, Sources: m.Sources, Regions: m.Regions, Types: m.Types,
	}
}

// told is a member as programs tell each other of it.
type told struct {
	row
	UsedAt *time.Time `json:"usedAt,omitempty"`
}

// MarshalJSON returns the member as a change of the register holds it, with its last use.
func (m *Member) MarshalJSON() ([]byte, error) {
	return json.Marshal(told{rowOf(m), optional(m.UsedAt)})
}

// UnmarshalJSON reads what MarshalJSON returns. Whether a member may be like that, Defect tells.
func (m *Member) UnmarshalJSON(raw []byte) (err error) {
	var t told
	if err := json.Unmarshal(raw, &t); err != nil {
		return err
	}
	if *m, err = t.parse(); err != nil {
		return fmt.Errorf("member %w", err)
	}
	m.UsedAt = moment(t.UsedAt)
	return nil
}

// Defect returns what is wrong with a member, "" when nothing is. It judges what is to be written
// as well as what was read, so that both know one rule. The role decides what else there must be.
// Words are those of whoever types it at the command line.
func (m *Member) Defect() string {
	if wrong := event.CheckPublisher(m.Name); wrong != "" {
		return "a name " + wrong
	}
	switch {
	case !slices.Contains(Roles(), m.Role):
		return "a role is publisher, auditor, dashboard, steward or operator"
	case m.Role == Steward && (len(m.Sources)+len(m.Types) > 0 || len(m.Regions) == 0):
		return "a steward has regions, one or more, and no sources nor types"
	case hasTwice(m.Sources) || hasTwice(m.Regions) || hasTwice(m.Types):
		return "a source, region or type is named twice"
	case m.Role == Steward:
		return ""
	case m.Role != Publisher && len(m.Sources)+len(m.Regions)+len(m.Types) > 0:
		return "only a publisher has sources, regions and types"
	case m.Role != Publisher:
		return ""
	case len(m.Sources) == 0 || len(m.Regions) == 0 || len(m.Types) == 0:
		return "a publisher needs sources, regions and types, one or more of each"
	case len(m.Sources) > sourcesMax:
		return fmt.Sprintf("a publisher has at most %d sources", sourcesMax)
	}
	for _, source := range m.Sources {
		if wrong := sourceDefect(source); wrong != "" {
			return wrong
		}
	}
	return ""
}

// sourceDefect returns what is wrong with the beginning of a source, "" when nothing is.
func sourceDefect(source string) string {
	switch {
	case source == "" || len(source) > sourceBytes || strings.ContainsFunc(source, isNoURI):
		return fmt.Sprintf("a source is the beginning of a URI, such as urn:office:75,"+
			" of at most %d characters", sourceBytes)
	case event.HasNIK(source):
		return "a source must not hold a NIK"
	}
	return ""
}

// isNoURI tells which characters never stand in a URI.
func isNoURI(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }

// hasTwice tells whether an item stands in a list twice. Lists are short, or of a bounded code.
func hasTwice[T comparable](items []T) bool {
	for i, item := range items {
		if slices.Contains(items[:i], item) {
			return true
		}
	}
	return false
}
