package natsd

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestPace checks that the variables are the server's: in a process that has set none of them they
// have the server's values, and then ours.
func TestPace(t *testing.T) {
	if os.Getenv("CAKUPAN_PACE") == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPace$", "-test.v")
		command.Env = append(os.Environ(), "CAKUPAN_PACE=1")
		said, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(said), "--- PASS: TestPace") {
			t.Fatalf("%v: %s", err, said)
		}
		return
	}
	if serverHeartbeat != time.Second || serverElectionMin != 4*time.Second ||
		serverElectionMax != 9*time.Second || serverQuorumMax != 10*time.Second ||
		serverQuorumCheck != 10*time.Second {
		t.Errorf("the server has a heartbeat of %v, elections after %v to %v, and looks each %v"+
			" for a quorum of the last %v: are these its variables still?", serverHeartbeat,
			serverElectionMin, serverElectionMax, serverQuorumCheck, serverQuorumMax)
	}
	setPace()
	if serverHeartbeat != heartbeat || serverElectionMin != electionMin ||
		serverElectionMax != electionMax || serverQuorumMax != quorumMax ||
		serverQuorumCheck != quorumMax {
		t.Error("the pace is not set")
	}
}
