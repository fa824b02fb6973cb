package event

import (
	"strconv"
	"strings"
	"unicode"
)

// SourceCovers tells whether a source is own, or lies below it: as URIs, part by part, not as text.
//
//   - Scheme and authority must be the same, without regard to case, and so must the namespace of a
//     URN: https://a.id covers nothing of https://a.id.example, of https://a.id:8443, nor of
//     https://a.id@b.example.
//   - The path must be the same or begin with all parts of own: urn:office:7 covers
//     urn:office:7:a, and nothing of urn:office:75. What ends with / or : covers what is below it
//     alone. A scheme with its colon, such as urn:, covers all of the scheme.
//   - A source with . or .. as a part of its path is covered by itself alone: it names another
//     place than it says.
func SourceCovers(own, source string) bool {
	if own == source {
		return true
	}
	o, s := splitSource(own), splitSource(source)
	switch {
	case !strings.EqualFold(o.scheme, s.scheme) || hasDotParts(s.path):
		return false
	case o.scheme != "" && !o.hasAuthority && o.authority == "" && o.path == "":
		return true // the whole scheme
	case o.hasAuthority != s.hasAuthority || !strings.EqualFold(o.authority, s.authority):
		return false
	}
	rest, begins := strings.CutPrefix(s.path, o.path)
	return begins && (rest == "" || o.path == "" || endsPart(o.path[len(o.path)-1]) ||
		endsPart(rest[0]))
}

// The sources under which stewards, and whoever runs the ledger, take back what others reported,
// and that of what the ledger itself says. No publisher has them.
const (
	StewardSource  = "urn:cakupan:steward"  // and the name of a steward
	OperatorSource = "urn:cakupan:operator" // and the name of an operator, if he has one
	LedgerSource   = "urn:cakupan:ledger"   // and the name of the ledger
)

// SourceIsReserved tells whether a source is for those who take back, and for a ledger, alone. Only
// the ledger itself writes events with one.
func SourceIsReserved(source string) bool {
	return SourceCovers(StewardSource, source) || SourceCovers(OperatorSource, source) ||
		SourceCovers(LedgerSource, source)
}

// SourcesOverlap tells whether a source may be covered by both. Then what one of two publishers
// reports could be taken for the other's.
func SourcesOverlap(a, b string) bool { return SourceCovers(a, b) || SourceCovers(b, a) }

// sourceParts are the parts of a URI reference. The path has query and fragment with it. The
// authority of a URN is its namespace.
type sourceParts struct {
	scheme, authority, path string
	hasAuthority            bool
}

// splitSource cuts a source as RFC 3986 does (appendix B).
func splitSource(source string) (p sourceParts) {
	p.path = source
	if at := strings.IndexAny(source, ":/?#"); at > 0 && source[at] == ':' {
		p.scheme, p.path = source[:at], source[at+1:]
	}
	if rest, found := strings.CutPrefix(p.path, "//"); found {
		p.hasAuthority = true
		if at := strings.IndexAny(rest, "/?#"); at >= 0 {
			p.authority, p.path = rest[:at], rest[at:]
		} else {
			p.authority, p.path = rest, ""
		}
	} else if strings.EqualFold(p.scheme, "urn") {
		end := strings.IndexAny(p.path, ":/?#")
		if end < 0 {
			end = len(p.path)
		}
		p.authority, p.path = p.path[:end], p.path[end:]
	}
	return p
}

// endsPart tells whether a byte of a path stands between two of its parts.
func endsPart(c byte) bool { return strings.IndexByte(":/?#", c) >= 0 }

// SourceFlaw returns what keeps a source from being told apart from others, "" when nothing does:
// one that names the same place as another that is written otherwise. Sources are compared as they
// are written, so who has one of two such would not have the other.
func SourceFlaw(source string) string {
	p := splitSource(source)
	host := p.authority[strings.LastIndexByte(p.authority, '@')+1:]
	switch {
	case hasDotParts(p.path):
		return "has . or .. as a part of its path"
	case p.hasAuthority && len(host) < len(p.authority):
		return "names a user in front of its host"
	case p.hasAuthority && (strings.HasSuffix(host, ":") || strings.HasSuffix(host, ".") ||
		strings.Contains(host, ".:")):
		return "has a dot or a colon at the end of its host"
	case strings.EqualFold(p.scheme, "https") && strings.HasSuffix(host, ":443"),
		strings.EqualFold(p.scheme, "http") && strings.HasSuffix(host, ":80"):
		return "names the port that its scheme has anyway"
	case encodesPlain(source):
		return "has an encoded character (%) that needs no encoding"
	}
	return ""
}

// encodesPlain tells whether a text has a letter, a digit, or one of -._~ as an octet in percents,
// which is the same by RFC 3986 (section 6.2.2.2).
func encodesPlain(text string) bool {
	for i := range len(text) - 2 {
		if text[i] != '%' {
			continue
		}
		c, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
		if err != nil {
			continue
		}
		if r := rune(c); r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) ||
			strings.ContainsRune("-._~", r)) {
			return true
		}
	}
	return false
}

// hasDotParts tells whether a part of a path is . or .., also where its dots are written as %2e.
func hasDotParts(path string) bool {
	if !strings.Contains(path, ".") && !strings.Contains(path, "%2") {
		return false
	}
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	for part := range strings.SplitSeq(path, "/") {
		if len(part) > len("%2e%2e") {
			continue
		}
		part = strings.ReplaceAll(strings.ToLower(part), "%2e", ".")
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}
