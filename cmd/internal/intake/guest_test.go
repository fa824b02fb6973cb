package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"cakupan/domain/event"
)

// TestGuestID: the id of a dry run is one that an event may have, for everybody.
func TestGuestID(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	seen, seems := map[string]bool{}, 0
	for i := 0; seems == 0 && i < 1_000_000; i++ {
		nik := fmt.Sprintf("757101410790%04d-%d", i%10_000, i/10_000)
		sum := hmac.New(sha256.New, key)
		sum.Write([]byte(nik + "."))
		if event.HasNIK(hex.EncodeToString(sum.Sum(nil)[:workerBytes])) {
			seems++
		}
		id := guestID(key, nik)
		if event.HasNIK(id) || len(id) != 2*workerBytes || seen[id] {
			t.Fatalf("the id of %d is %s", i, id)
		}
		seen[id] = true
	}
	if seems == 0 {
		t.Error("in none of these did a NIK seem to stand")
	}
	nobody := guestID(key, "")
	if again := guestID(key, ""); again != nobody {
		t.Errorf("%s, then %s", nobody, again)
	}
}
