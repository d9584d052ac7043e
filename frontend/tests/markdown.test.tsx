import { cleanup, render } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import Markdown from '../src/components/Markdown';

afterEach(cleanup);

function shown(text: string): HTMLElement {
  return render(<Markdown text={text} cite={(key) => (key === 'refunds#rate' ? <b>1</b> : null)} />).container;
}

it('shows what text can be made of', () => {
  const found = shown(
    '# Head\n\nA **bold** and *fine* word, `code`\nand a line.\n\n- one\n- two\n\n3. three\n\n> said\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx < y\n```\n\n---\n',
  );
  expect([...found.querySelectorAll('p, li, td, th, pre, blockquote')].map((each) => each.textContent?.trim())).toEqual(
    [
      'Head',
      'A bold and fine word, codeand a line.',
      'one',
      'two',
      'three',
      'said',
      'said',
      'a',
      'b',
      '1',
      '2',
      'x < y',
    ],
  );
  expect(found.querySelector('ol')?.start).toBe(3);
  expect(found.querySelectorAll('h1, h2, h3')).toHaveLength(0);
});

it('leaves the words of links and images, and HTML as text', () => {
  const found = shown(
    '[click](https://x.test/) ![alt](https://x.test/i.png) <https://x.test/a> https://x.test/b <b>raw</b>\n\n<script>alert(1)</script>',
  );
  expect(found.querySelectorAll('a, img, script, b')).toHaveLength(0);
  expect(found.textContent).toContain('click alt https://x.test/a https://x.test/b <b>raw</b>');
  expect(found.textContent).toContain('<script>alert(1)</script>');
});

it('puts a citation in place of its mark, and leaves a mark that cites nothing', () => {
  const found = shown('So it is [refunds#rate]. Not [other#x]. **Strong [Source: refunds#rate]**');
  expect(found.textContent).toBe('So it is1. Not [other#x]. Strong1');
});

it('decodes nothing: what looks like an entity stays as it was written', () => {
  expect(shown('AT&T &amp; &lt;b&gt; \\*no\\*').textContent).toBe('AT&T &amp; &lt;b&gt; *no*');
});
