declare module "words:widget" {
  const texts: Record<string, Record<string, string>>;
  export default texts;
}
