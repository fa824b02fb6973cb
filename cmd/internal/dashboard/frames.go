package dashboard

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// framesMax bounds how many origins are told to each reader.
const framesMax = 20

// host is the name or the address of a site, and maybe its port; *. stands for any part of a name.
var host = regexp.MustCompile(
	`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*` +
		`(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?$`)

// CheckFrames says which of the origins whose pages may show the dashboard within them is none:
// each is https://HOST or http://HOST, with a port or without, or self for the dashboard's own.
// Any site at all cannot be allowed: whoever is logged in could be shown a page that is not what it
// seems. It returns them as the policy of a page wants them.
func CheckFrames(origins []string) ([]string, error) {
	if len(origins) > framesMax {
		return nil, fmt.Errorf("at most %d origins, not %d", framesMax, len(origins))
	}
	var allowed []string
	for _, origin := range origins {
		if origin == "self" {
			allowed = append(allowed, "'self'")
			continue
		}
		scheme, rest, _ := strings.Cut(origin, "://")
		read, err := url.Parse(strings.Replace(origin, "*.", "", 1))
		if err != nil || (scheme != "https" && scheme != "http") || read.Hostname() == "" ||
			!host.MatchString(rest) {
			return nil, fmt.Errorf("%.100q is no origin: give one such as"+
				" https://data.example.go.id, without a path, or self", origin)
		}
		allowed = append(allowed, origin)
	}
	return allowed, nil
}
