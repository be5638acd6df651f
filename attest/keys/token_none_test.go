//go:build !pkcs11 || !cgo

package keys_test

const withPKCS11 = false
