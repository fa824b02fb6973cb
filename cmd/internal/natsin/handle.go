package natsin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/domain/event"
)

// PackUnreadable is the code of what is refused because the seal of its pack cannot be opened, or
// the pack not be read: its key is gone, or it is damaged.
const PackUnreadable event.Code = "pack.unreadable"

// receiptsMax bounds the receipts of one message; its bytes are bounded too.
const receiptsMax = 2_000

// The bounds of what is kept event by event of one message, and of all messages of a publisher in
// a pack. Beyond them a message is kept whole, so that a few bytes cannot become many on the disk.
const (
	keptOfMessage = 500
	keptOfPack    = 2_000
)

// publishersInWork is how many publishers of a pack are taken in at a time.
const publishersInWork = 16

// unreadable is an error after which no further attempt can help.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

func isUnreadable(err error) bool { return errors.As(err, new(unreadable)) }

// handle takes a pack in, and returns the receipts of its publishers. Every error but an
// unreadable one is tried again.
func (r *router) handle(msg *message.Message) ([]*message.Message, error) {
	ctx, s := msg.Context(), r.server
	messages, err := s.openPack(msg.Payload)
	if err != nil {
		return nil, err
	}
	settled, err := s.settle(ctx, messages)
	if err != nil {
		return nil, err
	}
	s.opts.Fault(FaultAfterAppend)
	// If we crash here, the pack comes again and all its events are duplicates, or refused again.
	stored := false
	for i := range settled {
		if err := s.refusals.put(ctx, packOf(msg.Payload), settled[i].refused); err != nil {
			return nil, fmt.Errorf("keep what is refused: %w", err)
		}
		stored = stored || len(settled[i].refused) > 0
	}
	if stored {
		s.opts.Fault(FaultAfterRefusals)
		// If we crash here, the pack comes again, and what is stored of it is not stored twice.
	}
	var produced []*message.Message
	for i := range settled {
		of, err := settled[i].messages(s.messageMax)
		if err != nil {
			return nil, err
		}
		produced = append(produced, of...)
	}
	s.settled.Add(1)
	return produced, nil
}

// openPack returns the messages of a sealed pack. Its error is an unreadable one.
func (s *Server) openPack(sealed []byte) ([]Message, error) {
	plain, err := s.opts.Sealer.Open(sealed, purposePack)
	if err != nil {
		return nil, unreadable{err}
	}
	messages, err := readPack(plain)
	if err != nil {
		return nil, unreadable{err}
	}
	return messages, nil
}

// settlement is what became of the messages of one publisher in a pack.
type settlement struct {
	publisher string
	receipts  []event.Receipt
	refused   []Refused
}

// settle takes in the messages of a pack, publisher by publisher.
func (s *Server) settle(ctx context.Context, messages []Message) ([]settlement, error) {
	places := map[string][]int{} // of each publisher's messages
	var publishers []string
	for i := range messages {
		name := messages[i].Publisher
		if places[name] == nil {
			publishers = append(publishers, name)
		}
		places[name] = append(places[name], i)
	}
	settled := make([]settlement, len(publishers))
	errs := make([]error, len(publishers))
	room := make(chan struct{}, publishersInWork)
	var wait sync.WaitGroup
	for n, name := range publishers {
		room <- struct{}{}
		wait.Go(func() {
			defer func() { <-room }()
			settled[n], errs[n] = s.settleOf(ctx, messages, places[name])
		})
	}
	wait.Wait()
	return settled, errors.Join(errs...)
}

// settleOf takes in the messages of one publisher, which are at some places of a pack.
func (s *Server) settleOf(
	ctx context.Context, messages []Message, places []int,
) (settlement, error) {
	of := make([]*Message, len(places))
	for i, place := range places {
		of[i] = &messages[place]
	}
	result := settlement{publisher: of[0].Publisher}
	outcomes, err := take(ctx, s.ledger, of)
	if err != nil {
		return result, err
	}
	for i := range outcomes {
		o := &outcomes[i]
		first := uint64(places[i]) * (batchEventsMax + 1)
		if o.refusal != nil {
			receipt := event.Receipt{Status: event.Refused, Refusal: o.refusal}
			result.receipts = append(result.receipts, receipt)
			result.refused = append(result.refused, refusedMessage(*of[i], first, receipt))
		}
		result.receipts = append(result.receipts, o.receipts...)
		result.refused = append(result.refused, o.refused(of[i], first, len(result.refused))...)
	}
	return result, nil
}

// refused returns what is to be kept of the refused events of a message, where so much is kept of
// the pack already.
func (o *outcome) refused(m *Message, first uint64, kept int) (all []Refused) {
	for n, receipt := range o.receipts {
		if receipt.Status == event.Refused {
			all = append(all, refusedMessage(m.only(o.raw[n]), first+uint64(n)+1, receipt))
		}
	}
	if len(all) > keptOfMessage || kept+len(all) > keptOfPack && len(all) > 1 {
		whole := all[0]
		whole.Index, whole.Message, whole.Source, whole.ID = first, *m, "", ""
		whole.Detail = fmt.Sprintf("%d of the %d events of this message are refused, the first: %s",
			len(all), len(o.receipts), whole.Detail)
		return []Refused{whole}
	}
	return all
}

// only returns a message that holds one of the events alone, in structured mode.
func (m *Message) only(raw []byte) Message {
	return Message{
		Publisher: m.Publisher, ReceivedAt: m.ReceivedAt, Payload: raw,
		Header: []Field{{contentType, eventType}},
	}
}

// messages returns the receipts as they are told, each message of so many bytes at most.
func (s *settlement) messages(bytesMax int) (all []*message.Message, err error) {
	for from := 0; from < len(s.receipts); {
		until := min(from+receiptsMax, len(s.receipts))
		text, err := receiptsJSON(s.receipts[from:until])
		for err == nil && len(text) > bytesMax && until-from > 1 {
			until = from + (until-from)/2
			text, err = receiptsJSON(s.receipts[from:until])
		}
		if err != nil {
			return nil, err
		}
		msg := message.NewMessage(s.publisher+" "+strconv.Itoa(from), text)
		msg.Metadata.Set(metaPublisher, s.publisher)
		all = append(all, msg)
		from = until
	}
	return all, nil
}

// unreadablePacks is the poison queue: it keeps what cannot be read with what is refused.
type unreadablePacks struct{ server *Server }

// Publish stores packs. The topic is always the same.
func (u *unreadablePacks) Publish(_ string, packs ...*message.Message) error {
	for _, msg := range packs {
		ctx, cancel := context.WithTimeout(context.Background(), requestMax)
		err := u.server.refusals.put(ctx, packOf(msg.Payload), []Refused{{
			ReceivedAt: u.server.now(), Code: PackUnreadable,
			Detail: "the pack cannot be opened: it is damaged, or its key is another one." +
				" Put the key back and retry",
			Message: Message{Payload: msg.Payload},
		}})
		cancel()
		if err != nil {
			return err
		}
		u.server.settled.Add(1)
	}
	return nil
}

// Close does nothing.
func (*unreadablePacks) Close() error { return nil }
