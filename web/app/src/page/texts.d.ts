// What build.mjs makes of web/words/*/page.json: texts by language.
declare module "words:page" {
  const texts: Record<string, Record<string, string>>;
  export default texts;
}
