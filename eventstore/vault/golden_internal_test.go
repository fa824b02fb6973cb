package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"cakupan/eventstore/golden"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/seal"
)

// The golden records are sealed with the key of the bytes 00 to 1f.
func goldenKeys(t testing.TB) keyring {
	t.Helper()
	key := make([]byte, keyBytes)
	for i := range key {
		key[i] = byte(i)
	}
	sealer, err := seal.New(key)
	if err != nil {
		t.Fatal(err)
	}
	return keyring{ledger: "0123456789abcdef0123456789abcdef", now: sealer}
}

// record returns the golden record of a kind, made with -update.
func record(t testing.TB, kind byte, make func(number uint64) ([]byte, error)) *packs.Record {
	t.Helper()
	name := "kind" + hex.EncodeToString([]byte{kind}) + "-v1.hex"
	golden.Make(t, name, func() []byte {
		data, err := make(uint64(kind))
		if err != nil {
			t.Fatal(err)
		}
		return data
	})
	data := golden.Read(t, name)
	if data[0] != kind {
		t.Errorf("%s is of kind %d", name, data[0])
	}
	return &packs.Record{Number: uint64(kind), Data: data}
}

// TestGolden reads records as the first program with a stream made them. Salt and nonce are random,
// so what is sealed is opened rather than compared.
func TestGolden(t *testing.T) {
	keys := goldenKeys(t)
	secret := bytes.Repeat([]byte{7}, keyBytes)
	r := record(t, kindSecret, func(n uint64) ([]byte, error) {
		return keys.secretData(secret, takeOver, n)
	})
	if got, flags, err := keys.openSecret(r); !bytes.Equal(got, secret) || flags != takeOver || err != nil {
		t.Errorf("secret %x, %d, %v", got, flags, err)
	}
	want := &pack{first: 5, count: 2, pairs: []pair{{handle{1}, id{2}}, {handle{3}, id{4}}}}
	r = record(t, kindWorkers, func(n uint64) ([]byte, error) { return keys.packData(want, n) })
	p, err := readPack(r)
	if err == nil {
		err = keys.openPack(p, r)
	}
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("pack %+v, %v", p, err)
	}
	check := checkOf("intake.key", secret)
	r = record(t, kindCheck, func(uint64) ([]byte, error) { return checkData("intake.key", check), nil })
	if name, got, err := readCheck(r); name != "intake.key" || got != check || err != nil {
		t.Errorf("check %s %x, %v", name, got, err)
	}
	erasure := Erasure{Worker: "w", Request: "r", Ground: "g", Decision: "d", By: "b", At: "t", Pack: 9}
	r = record(t, kindErasure, func(n uint64) ([]byte, error) { return keys.erasureData(&erasure, n) })
	if got, err := keys.openErasure(r); got != erasure || err != nil {
		t.Errorf("erasure %+v, %v", got, err)
	}
	key := memberKey{Member: "m", Secret: "s", Age: 3, Key: secret}
	r = record(t, kindListKey, func(n uint64) ([]byte, error) { return keys.listKeyData(&key, n) })
	if got, err := keys.openListKey(r); err != nil || !reflect.DeepEqual(*got, key) {
		t.Errorf("key of lists %+v, %v", got, err)
	}
}

// TestListKeyDamaged refuses what no record of a key holds, and names the record.
func TestListKeyDamaged(t *testing.T) {
	keys := goldenKeys(t)
	short, nobody := memberKey{Member: "m", Age: 1, Key: []byte{1}}, memberKey{Age: 1}
	for _, key := range []*memberKey{&short, &nobody, {Member: "m"}} {
		data, err := keys.listKeyData(key, 7)
		if err != nil {
			t.Fatal(err)
		}
		_, err = keys.openListKey(&packs.Record{Number: 7, Data: data})
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "record 7") {
			t.Errorf("%+v: %v", key, err)
		}
		data[len(data)-1] ^= 1
		if _, err := keys.openListKey(&packs.Record{Number: 7, Data: data}); err == nil {
			t.Error("one bit wrong is a key")
		}
	}
}

// FuzzRecord reads whatever may stand in the data of a record: nothing makes it fail otherwise than
// with an error.
func FuzzRecord(f *testing.F) {
	for _, kind := range []string{"01", "02", "03", "04", "06"} {
		f.Add(golden.Read(f, "kind"+kind+"-v1.hex"), uint64(1))
	}
	keys := goldenKeys(f)
	f.Fuzz(func(t *testing.T, data []byte, number uint64) {
		r := &packs.Record{Number: number, Data: data}
		if len(data) == 0 {
			return
		}
		_, _, _ = keys.openSecret(r)
		_, _, _ = readCheck(r)
		_, _ = keys.openErasure(r)
		_, _ = keys.openListKey(r)
		if p, err := readPack(r); err == nil {
			if err := keys.openPack(p, r); err == nil && len(p.pairs) != p.count {
				t.Errorf("%d workers of %d", len(p.pairs), p.count)
			}
		}
		_ = sealedPart(r)
	})
}
