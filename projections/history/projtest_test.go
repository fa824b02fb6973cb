package history_test

import (
	"testing"
	"time"

	"cakupan/projections"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
)

func TestSuite(t *testing.T) {
	projtest.Run(t, projections.SimpleKind(history.Name, time.Millisecond, history.NewSmall))
}
