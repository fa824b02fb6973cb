package natsin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/seal"
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

// publishersInWork is how many publishers of a pack are taken in at a time. Each of them may wait
// for the ledger by himself.
const publishersInWork = 16

// unreadable is an error after which no further attempt can help.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

func isUnreadable(err error) bool { return errors.As(err, new(unreadable)) }

// told is a message of receipts for a publisher.
type told struct {
	publisher string
	text      []byte
}

// handle takes a pack in, and returns the receipts of its publishers. Every error but an unreadable
// one is worth trying again. Where it is only that some publishers must wait, the receipts of the
// others come with it. Nothing is told here, and the pack is not acknowledged.
func (s *Server) handle(ctx context.Context, sealed []byte) ([]told, error) {
	messages, err := openPack(s.opts.Sealer, sealed)
	if err != nil {
		return nil, err
	}
	settled, waits := takePack(ctx, s.ledger, messages, s.partly.of(packOf(sealed)))
	if waits != nil && !isDear(waits) {
		return nil, waits
	}
	s.opts.Fault(FaultAfterAppend)
	// If we crash here, the pack comes again and all its events are duplicates, or refused again.
	stored := false
	for i := range settled {
		if err := s.refusals.put(ctx, packOf(sealed), settled[i].refused); err != nil {
			return nil, fmt.Errorf("keep what is refused: %w", err)
		}
		stored = stored || len(settled[i].refused) > 0
		if work := refusing(settled[i].refused); work > 0 {
			s.opts.Charge(settled[i].publisher, work)
		}
	}
	if stored {
		s.opts.Fault(FaultAfterRefusals)
		// If we crash here, the pack comes again, and what is stored of it is not stored twice.
	}
	var receipts []told
	for i := range settled {
		receipts = append(receipts, settled[i].told(s.messageMax)...)
	}
	return receipts, waits
}

// What it costs to refuse: to keep it, sealed, to remove an older one for it, and to have moved it
// so far. It is counted, not timed: what is slow because others are busy is not the publisher's
// doing. Measured, it is rather more.
const (
	refusingEach = 100 * time.Microsecond
	refusingByte = 10 * time.Nanosecond
)

// refusing returns how much work it was to refuse something.
func refusing(all []Kept) (work time.Duration) {
	for i := range all {
		work += refusingEach + time.Duration(all[i].Message.size())*refusingByte
	}
	return work
}

// openPack returns the messages of a sealed pack. Its error is an unreadable one.
func openPack(sealer *seal.Sealer, sealed []byte) ([]Message, error) {
	plain, err := sealer.Open(sealed, purposePack)
	if err != nil {
		return nil, unreadable{err}
	}
	messages, err := readPack(plain)
	if err != nil {
		return nil, unreadable{err}
	}
	return messages, nil
}

// settlement is what became of the messages of one publisher in a pack. Receipts are in the order
// of the messages; those refused have their places in the pack.
type settlement struct {
	publisher string
	receipts  []event.Receipt
	refused   []Kept
}

// takePack takes in the messages of a pack, publisher by publisher, without some of them. With an
// error it returns what became of those that were taken. It is a dear one only if all are.
func takePack(ctx context.Context, ledger Ledger, messages []Message, without map[string]bool,
) ([]settlement, error) {
	places := map[string][]int{} // of each publisher's messages
	var publishers []string
	for i := range messages {
		name := messages[i].Publisher
		if without[name] {
			continue
		}
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
			settled[n], errs[n] = takeOf(ctx, ledger, messages, places[name])
		})
	}
	wait.Wait()
	var taken []settlement
	var dear, other error
	for n := range settled {
		switch {
		case errs[n] == nil:
			taken = append(taken, settled[n])
		case isDear(errs[n]):
			dear = errors.Join(dear, errs[n])
		default:
			other = errors.Join(other, errs[n])
		}
	}
	if other != nil {
		return taken, other
	}
	return taken, dear
}

// isDear tells whether an error says that a publisher must wait because his events change much.
func isDear(err error) bool {
	var known *problem.Error
	return errors.As(err, &known) && known.Code == problem.EventsDear
}

// partly is which publishers of packs are settled already, of packs that wait for others. It is not
// kept: after a crash their events are duplicates, and they are told so. All methods may be called
// at the same time.
type partly struct {
	mu    sync.Mutex
	packs map[string]map[string]bool // by what names the pack
}

// of returns the settled publishers of a pack.
func (p *partly) of(pack string) map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.packs[pack])
}

// note notes whose receipts were told.
func (p *partly) note(pack string, receipts []told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range receipts {
		if p.packs == nil {
			p.packs = map[string]map[string]bool{}
		}
		if p.packs[pack] == nil {
			p.packs[pack] = map[string]bool{}
		}
		p.packs[pack][receipts[i].publisher] = true
	}
}

// forget forgets a pack that is settled.
func (p *partly) forget(pack string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.packs, pack)
}

// takeOf takes in the messages of one publisher, which are at some places of a pack.
func takeOf(
	ctx context.Context, ledger Ledger, messages []Message, places []int,
) (settlement, error) {
	of := make([]*Message, len(places))
	for i, place := range places {
		of[i] = &messages[place]
	}
	result := settlement{publisher: of[0].Publisher}
	outcomes, err := take(ctx, ledger, of)
	if err != nil {
		return result, err
	}
	for i := range outcomes {
		o := &outcomes[i]
		// Each message has room for an index of its own and one for each event that it can have, so
		// that the same pack gives the same indexes whenever it comes.
		first := uint64(places[i]) * (intake.BatchEventsMax + 1)
		if o.refusal != nil {
			receipt := event.Receipt{Status: event.Refused, Refusal: o.refusal}
			result.receipts = append(result.receipts, receipt)
			result.refused = append(result.refused, keep(*of[i], first, receipt))
		}
		result.receipts = append(result.receipts, o.receipts...)
		result.refused = append(result.refused, o.refused(of[i], first, len(result.refused))...)
	}
	return result, nil
}

// refused returns what is to be kept of the refused events of a message, where so much is kept of
// the pack already.
func (o *outcome) refused(m *Message, first uint64, kept int) (all []Kept) {
	for n, receipt := range o.receipts {
		if receipt.Status == event.Refused {
			all = append(all, keep(m.only(o.raw[n]), first+uint64(n)+1, receipt))
		}
	}
	if len(all) > keptOfMessage || kept+len(all) > keptOfPack && len(all) > 1 {
		whole := all[0]
		whole.Index, whole.Message, whole.Source, whole.ID = first, *m, "", ""
		whole.Detail = fmt.Sprintf("%d of the %d events of this message are refused, the first: %s",
			len(all), len(o.receipts), whole.Detail)
		return []Kept{whole}
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

// told returns the receipts as they are told, each message of so many bytes at most. What could be
// a NIK is masked in them. One receipt is sent however long it is.
func (s *settlement) told(bytesMax int) (all []told) {
	receipts := intake.Masked(s.receipts)
	for from := 0; from < len(receipts); {
		until := min(from+receiptsMax, len(receipts))
		text := cloudevents.AppendReceipts(nil, receipts[from:until])
		for len(text) > bytesMax && until-from > 1 {
			until = from + (until-from)/2
			text = cloudevents.AppendReceipts(nil, receipts[from:until])
		}
		all = append(all, told{s.publisher, text})
		from = until
	}
	return all
}

// putUnreadable keeps a pack that cannot be read with what is refused. Sealed as it came, it can be
// retried when the key is back.
func (s *Server) putUnreadable(sealed []byte) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.finishBy), requestMax)
	defer cancel()
	return s.refusals.put(ctx, packOf(sealed), []Kept{{
		Message: Message{Payload: sealed},
		Refused: intake.Refused{
			ReceivedAt: intake.Time(s.now()), Code: PackUnreadable,
			Detail: "the pack cannot be opened: it is damaged, or its key is another one." +
				" Put the key back and retry",
		},
	}})
}
