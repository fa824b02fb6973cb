package serving

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
)

// Bounds for what another program says of itself: whoever asks is often a supervisor, which must
// not hang or fill its memory by it.
const (
	nodeMax      = 10 * time.Second // how long a node may take to answer
	nodeBytesMax = 1 << 20
)

// Health asks how a ledger is (contract, section 7). It needs no secret. Of a folder it
// opens the ledger and asks that; a node of NATS says it of itself, at an address that is none of a
// ledger.
type Health struct {
	Ready bool   `help:"Ask whether it answers now, instead of whether it is well."`
	Node  string `placeholder:"URL" help:"Ask a node of NATS, at the address of its --health."`
}

// Help returns what --help shows beyond the flags.
func (*Health) Help() string {
	return `Exits with 0 when the ledger takes events and answers, with 1 and why when it does not.
With --ready, exits with 0 when it answers now: not while it is still building what it answers
from, or is far behind its log. Everybody may ask.

Examples:

	cakupan health --server http://127.0.0.1:7070
	cakupan health --server https://ledger.example --json
	cakupan health --server http://127.0.0.1:7070 --ready
	cakupan health --node http://127.0.0.1:8222` + cli.ExitCodes
}

// Run asks, prints the answer, and ends with exit 0 when all is well, else with exit 1 and why: so
// a supervisor needs the exit code alone. The answer is printed in both cases.
func (c *Health) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if c.Node != "" {
		return c.node(ctx, w, out)
	}
	return w.With(ctx, out, false, func(s *client.Client) error {
		// The two differ while a ledger is being built: it is well, and answers nothing yet.
		if c.Ready {
			ready, err := s.Ready(ctx)
			is := state{
				status: ready.Status, why: ready.Why, degraded: ready.Degraded,
				certificates: ready.Certificates, keys: ready.Keys, head: ready.Head,
			}
			return tellState(w, out, ready, is, err)
		}
		health, err := s.Health(ctx)
		is := state{
			status: health.Status, why: health.Why, degraded: health.Degraded,
			certificates: health.Certificates, keys: health.Keys, head: health.Head,
		}
		return tellState(w, out, health, is, err)
	})
}

// state is what all answers have that say how a ledger is. why is empty where status is
// ledger.HealthOK; degraded says what is wrong with a copy of a cluster and loses nothing,
// certificates what will be wrong soon, and keys what will be at the next start.
type state struct {
	status, why, degraded, certificates, keys string

	head eventstore.Sequence
}

// tellState prints an answer, unless there is none, and returns why not all is well. A ledger that
// is behind needs nothing but time; with anything else somebody has to look. Both are exit 1, and
// the code tells them apart.
func tellState(w *cli.Where, out *cli.Console, whole any, s state, err error) error {
	switch {
	case err != nil:
		return err
	case w.JSON:
		err = out.WriteJSON(whole)
	default:
		_, err = fmt.Fprintf(out.Stdout, "%s: the log ends at event %s\n",
			s.status, words.Thousands(s.head))
		if err == nil && s.degraded != "" {
			_, err = fmt.Fprintf(out.Stdout, "degraded: %s\n", s.degraded)
		}
		if err == nil && s.certificates != "" {
			_, err = fmt.Fprintf(out.Stdout, "%s\n", s.certificates)
		}
		if err == nil && s.keys != "" {
			_, err = fmt.Fprintf(out.Stdout, "keys: %s\n", s.keys)
		}
	}
	switch {
	case err != nil || s.status == ledger.HealthOK:
		return err
	case s.status == ledger.ReadyBehind:
		return problem.New(problem.ProjectionBehind, s.why)
	}
	return problem.New(problem.LogUnavailable, s.why)
}

// nodeAnswer is what a node of NATS says of itself, in the words of nats-server.
type nodeAnswer struct {
	Status string `json:"status"`
	Why    string `json:"error,omitempty"`
}

// node asks a node of NATS: whether it is there, has a leader, and is up to date. The status of
// HTTP decides; what stands in the answer is for people.
func (c *Health) node(ctx context.Context, w *cli.Where, out *cli.Console) error {
	ctx, cancel := context.WithTimeout(ctx, nodeMax)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Node+"/healthz", nil)
	if err != nil {
		return cli.Usage("--node is a URL such as http://127.0.0.1:8222")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return problem.Wrap(problem.LogUnavailable, "the node does not answer", err)
	}
	// It was read, or is thrown away: an error of closing changes nothing.
	defer func() { _ = response.Body.Close() }()
	var answer nodeAnswer
	err = json.NewDecoder(io.LimitReader(response.Body, nodeBytesMax)).Decode(&answer)
	switch {
	case err != nil:
		return problem.Wrap(problem.LogUnavailable, "what answers is no node of NATS", err)
	case w.JSON:
		err = out.WriteJSON(answer)
	default:
		_, err = fmt.Fprintln(out.Stdout, answer.Status)
	}
	if err != nil || response.StatusCode == http.StatusOK {
		return err
	}
	return problem.New(problem.LogUnavailable, "the node is not well: "+answer.Why)
}
