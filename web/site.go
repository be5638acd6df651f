package web

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"time"
)

// site serves the files and remembers their digests for as long as they stay the same.
type site struct {
	config Config

	mu   sync.Mutex
	tags map[string]tag
}

// tag is a digest, and what it was taken of.
type tag struct {
	size  int64
	time  time.Time
	value string
}

const (
	notThere   = "there is no such file"
	unreadable = "it cannot be read at the moment"
)

// serve answers with a regular file; links are not followed.
func (s *site) serve(w http.ResponseWriter, r *http.Request, dir fs.FS, name, contentType string) {
	if info, err := fs.Lstat(dir, name); err != nil || !info.Mode().IsRegular() {
		refuse(w, http.StatusNotFound, notThere)
		return
	}
	f, err := dir.Open(name)
	if err != nil {
		refuse(w, http.StatusNotFound, notThere)
		return
	}
	defer f.Close()
	content, ok := f.(io.ReadSeeker)
	info, err := f.Stat()
	if err != nil || !ok {
		refuse(w, http.StatusInternalServerError, unreadable)
		return
	}
	digest, err := s.tag(contentType+" "+name, info, content)
	if err != nil {
		refuse(w, http.StatusInternalServerError, unreadable)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("ETag", `"`+digest+`"`)
	http.ServeContent(w, r, "", time.Time{}, content)
}

// tag returns the digest of content and leaves it at its start.
func (s *site) tag(key string, info fs.FileInfo, content io.ReadSeeker) (string, error) {
	s.mu.Lock()
	known, ok := s.tags[key]
	s.mu.Unlock()
	if ok && known.size == info.Size() && known.time.Equal(info.ModTime()) {
		return known.value, nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	fresh := tag{info.Size(), info.ModTime(), hex.EncodeToString(h.Sum(nil))}
	s.mu.Lock()
	s.tags[key] = fresh
	s.mu.Unlock()
	return fresh.value, nil
}
