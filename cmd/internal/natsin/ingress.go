package natsin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/domain/event"
)

const (
	// packMessagesMax and packBytesMax bound a pack, unless one message is larger: enough to share
	// an fsync, few enough for several packs to be in work at a time.
	packMessagesMax = 1_000
	packBytesMax    = 512 << 10

	// packReserve is what a message must leave of the server's largest, for the header of the
	// pack, its seal, and what is said about it when it is refused.
	packReserve = 8 << 10

	// headerBytesMax bounds the header of a message: in binary mode, it is most of an event.
	headerBytesMax = 64 << 10

	// storeMax is how long a pack may take to be stored. Where the leader of the stream changes
	// meanwhile there is no answer, and publishers wait for this one.
	storeMax = 4 * time.Second

	// retryAfter is how many seconds later it is well to send again what was not taken. It is the
	// text of the header.
	retryAfter = "1"

	// freeSpaceMin is how many bytes must be free on the disk for a pack: twice what the log
	// keeps in reserve, so that the log can still take what is stored.
	freeSpaceMin = 128 << 20
)

// ackError is an error as JetStream says it to a publisher. err_code is JetStream's for the like.
// So a client of JetStream understands it as an answer to its own publish.
type ackError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

// The errors of publishing. They name no publisher and nothing that was sent.
var (
	errName = ackError{400, 10052, "the last token of the subject must be a publisher's name: " +
		"1 to 32 of a-z, 0-9 and -, and no identity number"}
	errTooLarge = ackError{413, 10054, "message size exceeds maximum allowed: send less at once"}
	errReply    = ackError{400, 10052, "the reply subject must be an inbox"}
	errExpected = ackError{400, 10003, "the intake checks no expectations and knows no batches " +
		"of messages: send without Nats-Expected-Last- and Nats-Batch- fields"}
	errOverloaded = ackError{503, 10077, "too much is waiting: send again a little later"}
	errNoRoom     = ackError{503, 10047, "no room left on the disk: send again later"}
	errNotStored  = ackError{503, 10008, "the message could not be stored: send it again"}
)

// arriveForStore looks at a message as it comes in. It stores nothing: a message is acknowledged
// when its pack is, or refused here at once.
func (s *Server) arriveForStore(publisher string, m *nats.Msg) {
	if refused := s.vet(publisher, m); refused != nil {
		s.refuse(m.Reply, *refused)
		return
	}
	if !s.arrive(s.intake, publisher, m) {
		s.refuse(m.Reply, errOverloaded)
	}
}

// yieldEvery is after how many messages others have their turn at the processor: whoever sends as
// many as he can would keep it for 10 ms at a time.
const yieldEvery = 32

// arrive has a message wait to be answered. It returns false where there is no room; who goes on
// without looking at that answer is hung up on. It never waits: it is called between the connection
// and all other messages.
func (s *Server) arrive(c *collector, publisher string, m *nats.Msg) bool {
	if s.arrivals.Add(1)%yieldEvery == 0 {
		runtime.Gosched()
	}
	now := s.now()
	if c.add(arrivedNow(publisher, now, m)) {
		return true
	}
	if s.heedless.note(publisher, now) {
		s.opts.Log.Warn("publisher is hung up on: he sends on and on what there is no room for",
			slog.String("publisher", publisher))
		s.opts.HangUp(publisher, heedlessPause)
	}
	return false
}

// vet returns why a message is not taken. Nil: it is. All is looked at before anything is kept, as
// none of it is trusted: sizes, the name, where the answer goes, and whether it asks for what a
// stream would check and we do not.
func (s *Server) vet(publisher string, m *nats.Msg) *ackError {
	if !isInbox(m.Reply) {
		return &errReply
	}
	if event.CheckPublisher(publisher) != "" {
		return &errName
	}
	if len(m.Data) > s.messageMax {
		return &errTooLarge
	}
	header := 0
	for name, values := range m.Header {
		if name == nats.ExpectedStreamHdr && !slices.Equal(values, []string{StreamIntake}) ||
			strings.HasPrefix(name, "Nats-Expected-Last-") ||
			strings.HasPrefix(name, "Nats-Batch-") {
			return &errExpected
		}
		for _, value := range values {
			header += fieldOverhead + len(name) + len(value)
		}
	}
	if header > headerBytesMax || header+len(m.Data) > s.messageMax {
		return &errTooLarge
	}
	return nil
}

// isInbox tells whether answers may go to a subject. What we publish goes out with the rights of
// the ledger, and the server does not check a reply subject by those of its sender: on a cluster
// he could have us write to the log or to JetStream's API. A message without reply has no answer.
func isInbox(reply string) bool {
	if reply == "" {
		return true
	}
	// The last is what the embedded server makes of a reply subject of another account.
	for _, prefix := range [...]string{"_INBOX.", "_INBOX_", "_R_."} {
		if strings.HasPrefix(reply, prefix) {
			return true
		}
	}
	return false
}

// refuse answers that a message was not taken. Codes of 503 are worth sending again; all others are
// the publisher's to mend.
func (s *Server) refuse(reply string, why ackError) {
	text, _ := json.Marshal(map[string]ackError{"error": why}) // texts and numbers always encode
	answer := &nats.Msg{Data: text}
	if why.Code == http.StatusServiceUnavailable {
		answer.Header = nats.Header{"Retry-After": {retryAfter}}
	}
	s.respond(reply, answer)
}

// sendPacks stores what arrives, pack by pack, until the collector is closed and empty. One at a
// time: the server flushes the packs of a stream one after the other, and with two on their way
// each had half of the messages (7 to 25 % slower, measured on a busy disk).
func (s *Server) sendPacks() {
	var buffer, sealed []byte // used again for each pack
	for {
		taken := s.intake.take(packMessagesMax, packBytesMax)
		if taken == nil {
			return
		}
		buffer, sealed = s.sendPack(taken, buffer[:0], sealed[:0])
		s.intake.release(taken)
	}
}

// sendPack stores one pack and answers its publishers. It returns the two buffers for the next one:
// nothing of them may be kept. After an error publishers are told so although the pack may be
// stored: they send again, and get duplicates.
func (s *Server) sendPack(taken []arrived, buffer, sealed []byte) ([]byte, []byte) {
	buffer = append(buffer, packVersion)
	for i := range taken {
		buffer = appendMessage(buffer, &taken[i].Message)
	}
	sealed, err := s.opts.Sealer.Seal(sealed, buffer, purposePack)
	var number uint64
	if err == nil {
		number, err = s.storePack(sealed)
	}
	if err != nil {
		s.opts.Log.Warn("messages were not stored, and their publishers told so",
			slog.Int("messages", len(taken)), slog.Any("error", err))
		why := errNotStored
		if errors.Is(err, errDiskFull) {
			why = errNoRoom
		}
		for i := range taken {
			s.refuse(taken[i].reply, why)
		}
		return buffer, sealed
	}
	s.opts.Fault(FaultAfterStore)
	// If we crash here, nobody was told: who sends again has duplicates, which change nothing.
	// One answer for all: they are in the same pack, whose number their receipts name.
	answer := fmt.Appendf(nil, `{"stream":"%s","seq":%d}`, StreamIntake, number)
	for i := range taken {
		if taken[i].reply != "" {
			s.answered(s.front.Publish(taken[i].reply, answer))
		}
	}
	s.opts.Fault(FaultAfterAnswer)
	return buffer, sealed
}

var errDiskFull = errors.New("too little room on the disk")

// storePack returns the number of a pack in the stream once it is durable. After an error it may
// be there all the same.
func (s *Server) storePack(sealed []byte) (uint64, error) {
	if s.opts.FreeSpace != nil {
		free, err := s.opts.FreeSpace()
		if err == nil && free < freeSpaceMin {
			err = fmt.Errorf("%w: %d MiB are free", errDiskFull, free>>20)
		}
		if err != nil {
			return 0, err
		}
	}
	s.opts.Fault(FaultBeforeStore)
	ctx, cancel := context.WithTimeout(s.finishBy, storeMax)
	defer cancel()
	return publish(ctx, s.store, &nats.Msg{Subject: subjectPacks, Data: sealed})
}

// publish stores a message in the stream of its subject and returns its number. It is durable then,
// on as many servers as keep the stream. After an error it may be stored all the same. It is called
// at the same time by many.
func publish(ctx context.Context, conn *nats.Conn, m *nats.Msg) (uint64, error) {
	reply, err := conn.RequestMsgWithContext(ctx, m)
	if err != nil {
		return 0, fmt.Errorf("store message: %w", err)
	}
	var answer struct {
		Number uint64    `json:"seq"`
		Error  *ackError `json:"error"`
	}
	switch err := json.Unmarshal(reply.Data, &answer); {
	case err != nil:
		return 0, fmt.Errorf("store message: %w", err)
	case answer.Error != nil:
		return 0, fmt.Errorf("store message: %s (%d)",
			answer.Error.Description, answer.Error.ErrCode)
	case answer.Number == 0:
		return 0, errors.New("store message: the server gave it no number")
	}
	return answer.Number, nil
}
