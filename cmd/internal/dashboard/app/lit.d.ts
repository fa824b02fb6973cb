// What the page uses of Lit, for the type check: the package's own declarations are many files.
declare module "lit" {
  export interface TemplateResult { readonly strings: TemplateStringsArray; readonly values: unknown[] }
  type Tag = (strings: TemplateStringsArray, ...values: unknown[]) => TemplateResult;
  export const html: Tag;
  export const svg: Tag;
  export const nothing: unique symbol;
  export class LitElement extends HTMLElement {
    connectedCallback(): void;
    disconnectedCallback(): void;
    protected createRenderRoot(): HTMLElement | DocumentFragment;
    protected firstUpdated(changed: Map<PropertyKey, unknown>): void;
    protected updated(changed: Map<PropertyKey, unknown>): void;
    protected render(): unknown;
    requestUpdate(): void;
    readonly updateComplete: Promise<boolean>;
  }
}
