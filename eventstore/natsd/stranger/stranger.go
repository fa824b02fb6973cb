// Package stranger says of which network somebody comes, where those without a login are bounded.
package stranger

import "net/netip"

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
