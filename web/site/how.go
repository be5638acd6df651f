package site

import "github.com/assay-por/assay/web/words"

func (s *Site) how(t *words.Texts) (Page, error) {
	f := s.frame(t, pathHow)
	f.Here, f.Title = "how", t.Text("how.title", nil)
	return page(t, howText, f)
}
