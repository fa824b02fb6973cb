package access

import "cakupan/eventstore/packs"

// StreamName is the stream of the register.
const StreamName = "CAKUPAN_REGISTER"

// StreamOptions returns what the stream of the register is opened and made with.
func StreamOptions() packs.Options {
	return packs.Options{
		Stream: StreamName, Subject: "cakupan.register",
		Description: "who may report to a cakupan ledger and read it: see" +
			" cmd/internal/access/register/FORMAT.md",
	}
}
