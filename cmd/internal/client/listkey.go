package client

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
)

// ListKey asks for the ledger's key of lists.
func (s *Client) ListKey(ctx context.Context) (key [lists.KeySize]byte, err error) {
	response, err := s.Get(ctx, "/v1/lists/key", nil)
	if err != nil {
		return key, err
	}
	var answer httpapi.ListKey
	err = json.NewDecoder(response.Body).Decode(&answer)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return key, fmt.Errorf("read key of lists: %w", err)
	}
	// The length first: Decode trusts that there is room. A key of any other one is no answer to
	// go on with: under it every person of a list would get an id that nobody else derives.
	whole := len(answer.Key) == hex.EncodedLen(len(key))
	if whole {
		_, err = hex.Decode(key[:], []byte(answer.Key))
	}
	if !whole || err != nil {
		return [lists.KeySize]byte{}, problem.New(problem.ServerUnreachable,
			"the server did not answer with a key of lists: is it an older cakupan?")
	}
	return key, nil
}
