package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/ledger"
)

// chooseMax is how long a server may take to say what it does. They are asked one after the other,
// so a command may wait that long for each that is gone; one that answers does so at once.
const chooseMax = 3 * time.Second

// choose makes the server that writes the one that is asked; when none says that it does, one that
// is well, for it knows whom to send events to; else the first, which will say what is wrong. It is
// called once, before anybody else has the client: base and others do not change after it. A single
// server is not asked at all.
func (s *Client) choose(ctx context.Context) {
	s.base = s.others[0]
	if len(s.others) > 1 {
		well := ""
		for _, base := range s.others {
			role, ok := s.role(ctx, base)
			if ok && role == cluster.RoleWriter {
				well = base
				break
			}
			if ok && well == "" {
				well = base
			}
		}
		if well != "" {
			s.base = well
		}
	}
	s.others = slices.DeleteFunc(s.others, func(base string) bool { return base == s.base })
}

// role asks a server what it does, and tells whether it is well. No secret is sent: everybody may
// ask that. One that does not answer, or not as a ledger does, is not well.
func (s *Client) role(ctx context.Context, base string) (role cluster.Role, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, chooseMax)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil {
		return "", false
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", false
	}
	defer func() { _ = response.Body.Close() }()
	var health ledger.Health
	if err := json.NewDecoder(response.Body).Decode(&health); err != nil {
		return "", false
	}
	return health.Role, health.Status == ledger.HealthOK
}

// sendTo sends a request to the server that was chosen, and, while that does not answer, to the
// others in turn. A request whose body can be read once alone is not sent again; events may be:
// what is there already will be a duplicate. Any answer is one, a refusal too: only where there is
// none are others asked. The error is that of the server that was chosen, which is the one that the
// user knows.
func (s *Client) sendTo(ctx context.Context, request *http.Request) (*http.Response, error) {
	response, err := s.client.Do(request.WithContext(ctx))
	for _, other := range s.others {
		if err == nil || ctx.Err() != nil || request.Body != nil && request.GetBody == nil {
			break
		}
		again, moved := s.movedTo(ctx, other, request)
		if moved != nil {
			return nil, errors.Join(err, moved)
		}
		var failed error
		if response, failed = s.via(other).Do(again); failed == nil {
			err = nil
		}
	}
	return response, err
}

// via returns what asks another server: how long it is waited for is found out there too. Its
// connections are its own, and close by themselves once nobody uses them.
func (s *Client) via(other string) *http.Client {
	client := *s.client
	client.Transport = newPatience(other)
	return &client
}

// movedTo returns the request for another server, with its headers, the secret among them: the
// servers that were named are one ledger. A body is read from its beginning.
func (s *Client) movedTo(ctx context.Context, other string, request *http.Request,
) (*http.Request, error) {
	again := request.Clone(ctx)
	address, err := url.Parse(other + strings.TrimPrefix(request.URL.String(), s.base))
	if err == nil && request.GetBody != nil {
		again.Body, err = request.GetBody()
	}
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	again.URL, again.Host = address, address.Host
	return again, nil
}
