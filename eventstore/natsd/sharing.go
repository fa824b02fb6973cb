package natsd

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
)

// register has the server take somebody in, with the permissions of his account. The server would
// build them anew for each connection, which is more than all else that it keeps of one; they are
// not changed once they are built, and may be asked by several at once. So all connections of an
// account get those that were built for its first one.
//
// The server has no setting for that either (see listenFor). With a version that keeps permissions
// elsewhere each connection gets its own, and a test tells.
func (a *access) register(c server.ClientAuthentication, client Client, account *server.Account) {
	user := &server.User{
		Username: client.Name, Account: account, Permissions: permissionsOf(client),
	}
	of := builtOf(c)
	if of == nil {
		c.RegisterUser(user)
		return
	}
	a.mu.Lock()
	built, found := a.permissions[client.account()]
	a.mu.Unlock()
	if found {
		// Nobody can use the moment without any: what the client sends is read by this goroutine.
		user.Permissions = nil
		c.RegisterUser(user)
		of.set(built)
		return
	}
	c.RegisterUser(user)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.permissions[client.account()] = of.get()
}

// built is where the server keeps the permissions of a connection.
type built struct {
	mu    *sync.RWMutex // guards value; the server's
	value reflect.Value
}

// builtOf returns where that is, nil when it is not where it should be.
func builtOf(c server.ClientAuthentication) *built {
	at := reflect.ValueOf(c)
	if at.Kind() != reflect.Pointer || at.Elem().Kind() != reflect.Struct {
		return nil
	}
	mu, value := at.Elem().FieldByName("mu"), at.Elem().FieldByName("perms")
	if !mu.IsValid() || mu.Type() != reflect.TypeFor[sync.RWMutex]() ||
		!value.IsValid() || value.Kind() != reflect.Pointer {
		return nil
	}
	return &built{
		(*sync.RWMutex)(unsafe.Pointer(mu.UnsafeAddr())),
		reflect.NewAt(value.Type(), unsafe.Pointer(value.UnsafeAddr())).Elem(),
	}
}

func (b *built) get() any {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.value.Interface()
}

func (b *built) set(to any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.value.Set(reflect.ValueOf(to))
}
