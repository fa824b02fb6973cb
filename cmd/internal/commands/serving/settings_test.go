package serving

import (
	"testing"

	"cakupan/cmd/internal/cli"
)

// TestOwner: an owner is two numbers and nothing else.
func TestOwner(t *testing.T) {
	owner, err := parseOwner("65532:0")
	if err != nil || owner.User != 65532 || owner.Group != 0 {
		t.Errorf("%+v, %v", owner, err)
	}
	for _, wrong := range []string{
		"65532", "65532:", ":65532", "1:2:3", "1:2 ", " 1:2", "1:2x", "-1:2", "1:-2", "root:root",
		"1:2147483648", "+1:2", "0x1:2", "",
	} {
		if owner, err := parseOwner(wrong); err == nil {
			t.Errorf("%q is taken for %+v", wrong, owner)
		}
	}
}

// TestReplicas: even numbers of servers are refused, before a ledger is opened.
func TestReplicas(t *testing.T) {
	for n, good := range map[int]bool{
		-1: false, 0: true, 1: true, 2: false, 3: true, 4: false, 5: true, 6: false,
	} {
		if cli.IsReplicas(n) != good {
			t.Errorf("%d: %v", n, !good)
		}
		c := Serve{Consumers: 1, Replicas: n, NATS: "nats://x"}
		if err := c.checkCluster(); (err == nil) != good {
			t.Errorf("serve --replicas %d: %v", n, err)
		}
	}
}
