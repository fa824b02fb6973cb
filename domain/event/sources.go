package event

import "strings"

// SourceCovers tells whether a source is own, or lies below it: as URIs, part by part, not as text.
//
//   - Scheme and authority must be the same, without regard to case: https://a.id covers nothing of
//     https://a.id.example, of https://a.id:8443, nor of https://a.id@b.example.
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
	case o.scheme != "" && !o.hasAuthority && o.path == "":
		return true // the whole scheme
	case o.hasAuthority != s.hasAuthority || !strings.EqualFold(o.authority, s.authority):
		return false
	}
	rest, begins := strings.CutPrefix(s.path, o.path)
	return begins && (rest == "" || o.path == "" || endsPart(o.path[len(o.path)-1]) ||
		endsPart(rest[0]))
}

// The sources under which stewards, and whoever runs the ledger, take back what others reported. No
// publisher has them.
const (
	StewardSource  = "urn:cakupan:steward"  // and the name of a steward
	OperatorSource = "urn:cakupan:operator" // and the name of an operator, if he has one
)

// SourceIsReserved tells whether a source is for those who take back alone. Only the ledger itself
// writes events with one.
func SourceIsReserved(source string) bool {
	return SourceCovers(StewardSource, source) || SourceCovers(OperatorSource, source)
}

// SourcesOverlap tells whether a source may be covered by both. Then what one of two publishers
// reports could be taken for the other's.
func SourcesOverlap(a, b string) bool { return SourceCovers(a, b) || SourceCovers(b, a) }

// sourceParts are the parts of a URI reference. The path has query and fragment with it.
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
	}
	return p
}

// endsPart tells whether a byte of a path stands between two of its parts.
func endsPart(c byte) bool { return strings.IndexByte(":/?#", c) >= 0 }

// SourceHasDots tells whether a source has . or .. as a part of its path: what then covers it, and
// what it covers, nobody can say for sure.
func SourceHasDots(source string) bool { return hasDotParts(splitSource(source).path) }

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
