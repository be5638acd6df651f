package words

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed */*.json
var files embed.FS

// A Language is one that pages may speak.
type Language struct {
	Tag  string // BCP 47, and the folder's name
	Name string // as its speakers call it
	RTL  bool   // written from right to left
}

// Dir is the value of the attribute dir.
func (l Language) Dir() string {
	if l.RTL {
		return "rtl"
	}
	return "ltr"
}

// English is the language that is always there.
const English = "en"

// All lists the languages of this house, whether a file is there or not.
func All() []Language {
	return []Language{{English, "English", false}, {"es", "Español", false}, {"tr", "Türkçe", false}, {"zh", "中文", false}, {"ar", "العربية", true}, {"pt", "Português", false}}
}

// Languages lists those that have a file of that name, such as site.
func Languages(file string) []Language {
	var there []Language
	for _, l := range All() {
		if _, err := fs.Stat(files, l.Tag+"/"+file+".json"); err == nil {
			there = append(there, l)
		}
	}
	return there
}

func languageOf(tag string) (Language, error) {
	for _, l := range All() {
		if l.Tag == tag {
			return l, nil
		}
	}
	return Language{}, fmt.Errorf("words: %q is no language of these pages", tag)
}
