package client

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"cakupan/eventstore"
	"cakupan/projections/effect"
)

// Effect asks what events have done that the log has from since on, and what those would do that it
// has not. They must fit one batch (contract, section 7). Each of raw is one event as JSON. Nothing
// is appended, so it may be asked again.
func (s *Client) Effect(ctx context.Context, raw [][]byte, since eventstore.Sequence,
	ask effect.Asked,
) (report effect.Report, err error) {
	body := append([]byte{'['}, bytes.Join(raw, []byte{','})...)
	query := Values("since", since.String(), "on", ask.On)
	if ask.Part {
		query.Set("part", "true")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		s.base+"/v1/lists/effect?"+query.Encode(), bytes.NewReader(append(body, ']')))
	if err != nil {
		return report, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/cloudevents-batch+json")
	err = s.answered(ctx, request, &report)
	return report, err
}
