/** Markdown as React elements: nothing in it becomes HTML, a link or an image, whatever a model wrote. */
import { lexer, type Token, type Tokens } from 'marked';
import { Fragment, type ReactNode } from 'react';
import { atMarks } from '../lib/marks';

interface Props {
  text: string;
  /** What stands in place of a mark such as `[refunds#refund-rate]`; null leaves the mark as it is. */
  cite: (key: string) => ReactNode | null;
}

export default function Markdown({ text, cite }: Props) {
  return <div className="prose">{blocks(lexer(text, { gfm: true, breaks: true }), cite)}</div>;
}

type Cite = Props['cite'];

function blocks(tokens: readonly Token[], cite: Cite): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: the tokens of a text have no other identity, and keep their order
  return tokens.map((token, i) => <Fragment key={i}>{block(token, cite)}</Fragment>);
}

function block(token: Token, cite: Cite): ReactNode {
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'paragraph':
      return <p>{inline(token.tokens, token.text, cite)}</p>;
    case 'heading':
      return (
        <p>
          <strong>{inline(token.tokens, token.text, cite)}</strong>
        </p>
      );
    case 'list':
      return list(token as Tokens.List, cite);
    case 'blockquote':
      return <blockquote>{blocks(token.tokens ?? [], cite)}</blockquote>;
    case 'code':
      return (
        <pre>
          <code>{token.text}</code>
        </pre>
      );
    case 'hr':
      return <hr />;
    case 'table':
      return table(token as Tokens.Table, cite);
    case 'text':
      return inline(token.tokens, token.text, cite);
    default:
      return <p>{token.raw}</p>;
  }
}

function list(token: Tokens.List, cite: Cite): ReactNode {
  const items = token.items.map((item, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: see above
    <li key={i}>{blocks(item.tokens, cite)}</li>
  ));
  return token.ordered ? <ol start={token.start || 1}>{items}</ol> : <ul>{items}</ul>;
}

function table(token: Tokens.Table, cite: Cite): ReactNode {
  return (
    <table>
      <thead>
        <tr>
          {token.header.map((cell, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            <th key={i} scope="col">
              {inline(cell.tokens, cell.text, cite)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {token.rows.map((row, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <tr key={i}>
            {row.map((cell, j) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: see above
              <td key={j}>{inline(cell.tokens, cell.text, cite)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inline(tokens: readonly Token[] | undefined, text: string, cite: Cite): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: see above
  return tokens ? tokens.map((token, i) => <Fragment key={i}>{span(token, cite)}</Fragment>) : withMarks(text, cite);
}

function span(token: Token, cite: Cite): ReactNode {
  switch (token.type) {
    case 'strong':
      return <strong>{inline(token.tokens, token.text, cite)}</strong>;
    case 'em':
      return <em>{inline(token.tokens, token.text, cite)}</em>;
    case 'del':
      return <del>{inline(token.tokens, token.text, cite)}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    // Of a link or an image its words stay.
    case 'link':
      return inline(token.tokens, token.text, cite);
    case 'image':
    case 'escape':
      return token.text;
    case 'text':
      return inline(token.tokens, token.text, cite);
    default:
      return token.raw;
  }
}

/** Plain text with its marks of citations in their places. */
function withMarks(text: string, cite: Cite): ReactNode {
  return atMarks(text).map(({ words, cited, raw }, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: see above
    <Fragment key={i}>
      {words}
      {cited !== null && (cite(cited) ?? raw)}
    </Fragment>
  ));
}
