package memlog

import (
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
)

func TestConformance(t *testing.T) {
	logtest.Run(t, func(*testing.T) eventstore.Log { return New(eventstore.NewIdentity(1)) })
}
