// The editor of a cell, loaded when the reader turns to its code. Inside a shadow root its styles are no inline ones.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import {
  bracketMatching,
  continuedIndent,
  delimitedIndent,
  HighlightStyle,
  indentNodeProp,
  indentOnInput,
  LRLanguage,
  syntaxHighlighting,
} from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap } from '@codemirror/view'
import { tags as t } from '@lezer/highlight'
import { parser } from '@lezer/javascript'

/** Without the completions of CodeMirror's own package for it, which weigh as much as the language. */
const typescript = LRLanguage.define({
  parser: parser.configure({
    dialect: 'ts',
    props: [
      indentNodeProp.add({
        'Block ClassBody ObjectExpression': delimitedIndent({ closing: '}' }),
        ArrayExpression: delimitedIndent({ closing: ']' }),
        'ArgList ParamList': delimitedIndent({ closing: ')' }),
        'VariableDeclaration MemberExpression': continuedIndent(),
      }),
    ],
  }),
  languageData: { commentTokens: { line: '//', block: { open: '/*', close: '*/' } } },
})

const colours = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.modifier], color: 'var(--ts-keyword)' },
  { tag: [t.string, t.special(t.string), t.regexp], color: 'var(--ts-string)' },
  { tag: [t.number, t.bool, t.null], color: 'var(--ts-number)' },
  { tag: t.comment, color: 'var(--ts-comment)' },
  { tag: [t.typeName, t.className], color: 'var(--ts-type)' },
  { tag: [t.function(t.variableName), t.function(t.propertyName)], color: 'var(--ts-function)' },
])

const look = EditorView.theme({
  '&': { fontSize: '14px', color: 'var(--vp-c-text-1)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: '2px solid var(--vp-c-brand-1)', outlineOffset: '-2px' },
  '.cm-content': {
    fontFamily: 'var(--vp-font-family-mono)',
    caretColor: 'var(--vp-c-text-1)',
    padding: '20px 0',
  },
  '.cm-line': { padding: '0 24px' },
  '.cm-cursor': { borderLeftColor: 'var(--vp-c-text-1)' },
  '.cm-scroller': { lineHeight: '1.7', overflow: 'auto' },
})

/** -> { text(), set(text), focus(place) }, the place on the screen or null. Tab leaves the editor, as the keyboard alone must be able to. */
export function openEditor(host, { doc, label, onRun, onChange }) {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const go = () => {
    onRun()
    return true
  }
  const state = (text) =>
    EditorState.create({
      doc: text,
      extensions: [
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        typescript,
        syntaxHighlighting(colours),
        look,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
        EditorView.updateListener.of((update) => update.docChanged && onChange()),
        keymap.of([
          { key: 'Mod-Enter', run: go },
          { key: 'Shift-Enter', run: go },
          ...defaultKeymap,
          ...historyKeymap,
        ]),
      ],
    })
  const view = new EditorView({ state: state(doc), parent: root, root })
  return {
    text: () => view.state.doc.toString(),
    set: (text) => view.setState(state(text)),
    focus(place) {
      const at = place === null ? null : view.posAtCoords(place)
      if (at !== null) view.dispatch({ selection: { anchor: at } })
      view.focus()
    },
  }
}
