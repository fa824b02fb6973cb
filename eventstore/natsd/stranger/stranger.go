// Package stranger says of which network somebody comes, where those without a login are bounded.
package stranger

import (
	"container/list"
	"net/netip"
)

// A network of strangers: who has one address of it may well have all.
const (
	bits4 = 24
	bits6 = 48
)

// Network returns the network of an address with its port, as a connection tells it. It is invalid
// for who comes from this machine, who is no stranger: that may be a proxy, whose clients cannot be
// told apart by address. It is so for what cannot be read, too: that is no address of TCP.
func Network(remote string) netip.Prefix {
	address, err := netip.ParseAddrPort(remote)
	ip := address.Addr().Unmap()
	if err != nil || ip.IsLoopback() {
		return netip.Prefix{}
	}
	bits := bits6
	if ip.Is4() {
		bits = bits4
	}
	network, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// Waiting are those who have not logged in yet, by network, in the order in which they came. Who
// has one guards it. Use [NewWaiting].
type Waiting[T any] struct {
	most int
	by   map[netip.Prefix]*list.List // none is empty
}

// Place is where one of them stands.
type Place struct {
	network netip.Prefix
	element *list.Element
}

// Most returns how many of a network may wait.
func (w *Waiting[T]) Most() int { return w.most }

// NewWaiting returns a room for so many of each network.
func NewWaiting[T any](most int) *Waiting[T] {
	return &Waiting[T]{most: most, by: map[netip.Prefix]*list.List{}}
}

// Enter adds one. Where his network has too many, the one who has waited longest must go, and is no
// more among them. To turn the newest away instead would let who does nothing keep out all others
// of his network, members too, who are strangers until they have said who they are.
func (w *Waiting[T]) Enter(network netip.Prefix, who T) (place Place, gone T, full bool) {
	all := w.by[network]
	if all == nil {
		all = list.New()
		w.by[network] = all
	}
	if full = all.Len() > 0 && all.Len() >= w.most; full {
		gone, _ = all.Remove(all.Front()).(T)
	}
	return Place{network, all.PushBack(who)}, gone, full
}

// Leave takes one out; it does nothing to one who is not there any more.
func (w *Waiting[T]) Leave(p Place) {
	all := w.by[p.network]
	if all == nil {
		return
	}
	if all.Remove(p.element); all.Len() == 0 {
		delete(w.by, p.network)
	}
}

// Networks returns of how many networks somebody waits.
func (w *Waiting[T]) Networks() int { return len(w.by) }

// Of returns how many of a network wait.
func (w *Waiting[T]) Of(network netip.Prefix) int {
	if all := w.by[network]; all != nil {
		return all.Len()
	}
	return 0
}
